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
        assert text.splitlines()[2] == ' "list": ['

    def test_has_several_references_on_a_line(self):
        references = {str(status): {"$ref": f"#/components/responses/{status}"} for status in (400, 401, 403)}
        assert render({**references, "other": 1}).splitlines()[1:] == [
            ' "400": {"$ref": "#/components/responses/400"}, "401": {"$ref": "#/components/responses/401"},',
            ' "403": {"$ref": "#/components/responses/403"},',
            ' "other": 1',
            "}",
        ]

    def test_changes_nothing(self):
        plain = json.loads(json.dumps(document(), default=str))
        text = render(plain)
        assert json.loads(text) == plain
        assert len(text.encode()) < 460_000
