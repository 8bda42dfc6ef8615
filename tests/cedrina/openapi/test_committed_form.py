"""The text of the committed document."""

import json

from cedrina.openapi.committed_form import LINE, render
from tests.described import document


class TestRender:
    def test_has_short_values_on_one_line(self):
        assert render({"a": [1, {"b": "é"}], "c": {}}) == '{"a":[1,{"b":"é"}],"c":{}}'

    def test_breaks_what_is_longer(self):
        text = render({"long": "x" * LINE, "list": ["y" * LINE, 1]})
        assert text.splitlines() == [f'{{"long":"{"x" * LINE}",', f'"list":["{"y" * LINE}",', "1]}"]

    def test_has_several_members_on_a_line(self):
        references = {str(status): {"$ref": f"#/components/responses/{status}"} for status in range(400, 406)}
        each = [f'"{status}":{{"$ref":"#/components/responses/{status}"}}' for status in range(400, 406)]
        assert render({**references, "other": 1}).splitlines() == [
            f"{{{each[0]},{each[1]},{each[2]},{each[3]},",
            f'{each[4]},{each[5]},"other":1}}',
        ]

    def test_begins_a_line_before_and_after_what_takes_several(self):
        long = ["x" * LINE]
        assert render({"a": 1, "long": long, "b": 2, "c": 3}).splitlines() == [
            '{"a":1,',
            f'"long":["{"x" * LINE}"],',
            '"b":2,"c":3}',
        ]

    def test_changes_nothing(self):
        plain = json.loads(json.dumps(document(), default=str))
        text = render(plain)
        assert json.loads(text) == plain
