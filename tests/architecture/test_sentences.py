"""What is given to gettext is found by `make messages`: a whole sentence, written out where it is given."""

import ast
import re

from django.template.base import Lexer, TokenType

from tests.architecture.source import APPS, PRODUCT, files, name_of, python, tree
from tests.for_each import for_each

TRANSLATING = {
    "_",
    "gettext",
    "gettext_lazy",
    "gettext_noop",
    "ngettext",
    "ngettext_lazy",
    "pgettext",
    "pgettext_lazy",
    "npgettext",
    "npgettext_lazy",
}
PUT_TOGETHER = (ast.JoinedStr, ast.BinOp, ast.Call)


COMMANDS = [path for path in python(*APPS) if path.parent.name == "commands" and path.name != "__init__.py"]
TEMPLATES = [
    path
    for path in files()
    # English as what they show: the pages around Swagger UI and the guide, and the tools of development.
    if "templates" in path.parts
    and not {"tests", "tooling"} & set(path.parts)
    and path.name not in {"api_documentation.html", "api_guide.html"}
]
WORDS = re.compile(r"[a-z]{2,} [a-z]|[a-z]{2,}[.?]$")


def calls(path):
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name in TRANSLATING:
                yield node


class TestASentence:
    def test_is_not_put_together_before_it_is_translated(self):
        found = [
            f"{name_of(path)}, line {call.lineno}"
            for path in python(*PRODUCT)
            for call in calls(path)
            if any(isinstance(argument, PUT_TOGETHER) for argument in call.args[:2])
        ]
        assert found == []

    def test_about_a_field_is_given_to_gettext(self):
        found = [
            f"{name_of(path)}, line {node.lineno}"
            for path in python(*PRODUCT)
            for node in ast.walk(tree(path))
            if isinstance(node, ast.Call)
            and getattr(node.func, "id", getattr(node.func, "attr", "")) == "ValidationError"
            and any(isinstance(argument, ast.Constant | ast.JoinedStr) for argument in node.args)
        ]
        assert found == []


class TestACommand:
    @for_each("path", COMMANDS, ids=name_of)
    def test_gives_all_its_words_to_gettext(self, path):
        given = {id(part) for call in calls(path) for part in ast.walk(call)}
        documented = [
            node for node in ast.walk(tree(path)) if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        ]
        given |= {id(node.body[0].value) for node in documented if ast.get_docstring(node)}
        # Lines to type are the same in all languages.
        examples = [node.value for node in ast.walk(tree(path)) if is_named(node, "examples")]
        given |= {id(part) for example in examples for part in ast.walk(example)}
        found = [
            f"line {node.lineno}: {node.value}"
            for node in ast.walk(tree(path))
            if isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and WORDS.search(node.value)
            and id(node) not in given
        ]
        assert found == []


def is_named(node, name):
    """Return whether a node gives a value to this name."""
    return isinstance(node, ast.Assign) and any(isinstance(to, ast.Name) and to.id == name for to in node.targets)


class TestATemplate:
    @for_each("path", TEMPLATES, ids=name_of)
    def test_has_no_words_outside_of_gettext(self, path):
        page, is_translated = [], False
        for token in Lexer(path.read_text(encoding="utf-8")).tokenize():
            if token.token_type == TokenType.BLOCK:
                name = token.contents.split()[0]
                is_translated = name in ("blocktranslate", "blocktrans") or (
                    is_translated and name not in ("endblocktranslate", "endblocktrans")
                )
            elif token.token_type == TokenType.TEXT and not is_translated:
                page.append(token.contents)
        shown = re.sub(r"<(style)[^>]*>.*?</\1>|<!--.*?-->|<[^>]*>|&\w+;", " ", "".join(page), flags=re.DOTALL)
        assert re.findall(r"[^\W\d_]{2,}", shown) in ([], ["Cedrina"])
