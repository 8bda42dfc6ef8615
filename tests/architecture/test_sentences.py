"""What is given to gettext is found by `make messages`: a whole sentence, written out where it is given."""

import ast

import pytest

from tests.architecture.source import PRODUCT, name_of, python, tree

TRANSLATING = {"_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy", "pgettext", "pgettext_lazy",
               "npgettext", "npgettext_lazy"}  # fmt: skip
PUT_TOGETHER = (ast.JoinedStr, ast.BinOp, ast.Call)


def calls(path):
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name in TRANSLATING:
                yield node


@pytest.mark.parametrize("path", python(*PRODUCT), ids=name_of)
class TestASentence:
    def test_is_not_put_together_before_it_is_translated(self, path):
        found = [
            f"line {call.lineno}"
            for call in calls(path)
            if any(isinstance(argument, PUT_TOGETHER) for argument in call.args[:2])
        ]
        assert found == []
