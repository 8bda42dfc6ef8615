"""What must be documented is, and what must be tested has its place."""

import ast
import re

from cedrina.settings.environment_settings import SECTIONS, SETTINGS
from cedrina.tooling.management.commands.write_configuration_doc import meanings_of
from tests.architecture.source import APPS, ROOT, name_of, python, tree
from tests.for_each import for_each

SERVICES = [path for path in python(*APPS) if path.parent.name == "services" and path.name != "__init__.py"]
SELECTORS = [path for path in python(*APPS) if path.name == "selectors.py"]
ERRORS = [path for path in python(*APPS) if path.name == "errors.py"]
CONFIGURATION = [path for path in python(*APPS) if path.name == "conf.py"]
RAISES = re.compile(r"Raises: \S")


def public_functions(path):
    return [
        node
        for node in tree(path).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_")
    ]


def undocumented(nodes):
    return [node.name for node in nodes if not ast.get_docstring(node)]


def has_keyword_only_parameters(function):
    return not function.args.posonlyargs and not function.args.args and function.args.vararg is None


class TestAService:
    @for_each("path", SERVICES, ids=name_of)
    def test_says_what_it_does(self, path):
        assert ast.get_docstring(tree(path))
        assert undocumented(public_functions(path)) == []

    @for_each("path", SERVICES, ids=name_of)
    def test_has_tests_of_its_own(self, path):
        app, name = path.relative_to(ROOT).parts[0], path.stem
        assert list((ROOT / "tests" / app).rglob(f"test_{name}.py"))

    @for_each("path", SERVICES, ids=name_of)
    def test_raises_only_what_it_announces(self, path):
        for function in public_functions(path):
            for node in ast.walk(function):
                if isinstance(node, ast.Raise) and node.exc is not None:
                    assert RAISES.search(ast.get_docstring(function)), function.name


class TestASelector:
    @for_each("path", SELECTORS, ids=name_of)
    def test_says_what_it_returns_and_takes_keywords_alone(self, path):
        assert undocumented(public_functions(path)) == []
        assert [function.name for function in public_functions(path) if not has_keyword_only_parameters(function)] == []


class TestARefusal:
    @for_each("path", ERRORS, ids=name_of)
    def test_says_what_it_means(self, path):
        classes = [node for node in tree(path).body if isinstance(node, ast.ClassDef)]
        assert classes
        assert undocumented(classes) == []


class TestASetting:
    @for_each("path", CONFIGURATION, ids=name_of)
    def test_says_what_it_sets(self, path):
        classes = [node for node in tree(path).body if isinstance(node, ast.ClassDef)]
        settings = [
            node for each in classes for node in each.body if isinstance(node, ast.FunctionDef) and node.name.isupper()
        ]
        assert settings
        assert undocumented(settings) == []

    def test_of_the_environment_is_explained_in_words(self):
        meanings = {name: text for section in SECTIONS for name, text in meanings_of(section).items()}
        assert set(meanings) == set(SETTINGS)
        assert [name for name, text in meanings.items() if not text.endswith(".")] == []

    def test_of_the_environment_stands_in_the_documentation(self):
        page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
        assert [name for name in SETTINGS if f"`{name}`" not in page] == []
