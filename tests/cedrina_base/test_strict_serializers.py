import pytest
from hypothesis import given
from hypothesis import strategies as st

from cedrina_base.strict_serializers import StrictCharField, StrictSerializer, sole_text

LONGEST = 8


class Input(StrictSerializer):
    name = StrictCharField(max_length=LONGEST)


class TestSoleText:
    @given(
        st.dictionaries(st.sampled_from(["name", "other"]), st.text(max_size=LONGEST + 2) | st.integers() | st.none())
    )
    def test_returns_only_what_a_serializer_accepts_unchanged(self, body):
        found = sole_text(body, "name", max_length=LONGEST)
        if found is not None:
            serializer = Input(data=body)
            assert serializer.is_valid()
            assert serializer.validated_data == {"name": found}

    def test_returns_plain_text(self):
        assert sole_text({"name": "cdr_-_09"}, "name", max_length=LONGEST) == "cdr_-_09"

    @pytest.mark.parametrize(
        "body",
        [
            None,
            [],
            "name",
            {},
            {"name": None},
            {"name": 1},
            {"name": ["a"]},
            {"name": ""},
            {"name": "a" * (LONGEST + 1)},
            {"name": "é"},
            {"name": "\0"},
            {"name": "\n"},
            {"name": "\ud800"},
            {"other": "a"},
            {"name": "a", "other": "b"},
        ],
    )
    def test_leaves_everything_else_to_a_serializer(self, body):
        assert sole_text(body, "name", max_length=LONGEST) is None
