"""The text of the committed document."""

import json

from cedrina.openapi.committed_form import LINE, render
from tests.described import document


class TestRender:
    def test_has_short_values_on_one_line(self):
        assert render({"a": [1, {"b": "é"}], "c": {}}) == '{"a": [1, {"b": "é"}], "c": {}}'

    def test_breaks_what_is_longer(self):
        text = render({"long": "x" * LINE, "list": ["y" * LINE, 1]})
        assert text.splitlines()[0] == "{"
        assert text.splitlines()[2] == '  "list": ['

    def test_changes_nothing(self):
        plain = json.loads(json.dumps(document(), default=str))
        text = render(plain)
        assert json.loads(text) == plain
        assert len(text.encode()) < 750_000
