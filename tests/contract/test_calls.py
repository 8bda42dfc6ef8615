"""What the OpenAPI document says of each call: all that the contract promises, and examples that fit."""

from tests.contract.promised import PROMISED, PUBLIC, SUCCESSES
from tests.described import (
    body_of,
    codes_of,
    examples_of,
    is_public,
    json_schema,
    operations,
    plain,
    resolved,
    responses,
)
from tests.for_each import for_each
from tests.problem_shape import CODES


def is_shown(content):
    """Return whether a body has an example, is a list of what has one, or consists of what has one."""
    members = resolved(content["schema"]).get("properties", {}).values()
    if examples_of(content) or any(
        resolved(member["items"]).get("examples") for member in members if "items" in member
    ):
        return True
    return bool(members) and all("$ref" in member and resolved(member).get("examples") for member in members)


class TestEveryCall:
    @for_each("name", PROMISED)
    def test_names_its_problems(self, name):
        codes = codes_of(operations()[name])
        flat = set().union(*codes.values())

        assert flat >= PROMISED[name]
        for status, names in codes.items():
            assert names <= CODES[status]
        assert {"internal_error", "service_unavailable", "rate_limited"} <= flat
        if not name.endswith("z"):
            assert "not_acceptable" in flat

    @for_each("name", PROMISED)
    def test_says_whether_it_is_public(self, name):
        operation = operations()[name]
        assert is_public(operation) == (name in PUBLIC)
        assert (401 in codes_of(operation)) >= (name not in PUBLIC)

    @for_each("name", PROMISED)
    def test_says_how_it_succeeds(self, name):
        successes = {status for status in operations()[name]["responses"] if status.startswith("2")}
        assert successes == SUCCESSES.get(name, {"200"})

    @for_each("name", PROMISED)
    def test_with_a_body_says_what_a_bad_one_gets(self, name):
        operation = operations()[name]
        if "requestBody" in operation:
            flat = set().union(*codes_of(operation).values())
            assert flat >= {"malformed_request", "payload_too_large", "unsupported_media_type", "validation_error"}

    @for_each("name", PROMISED)
    def test_is_described_and_shown(self, name):
        operation = operations()[name]
        assert operation["description"]
        assert 2 < len(operation["summary"]) <= 60
        assert not operation["summary"].endswith(".")
        bodies = [body_of(operation)]
        bodies += [answer for status, answer in responses(operation).items() if status.startswith("2")]
        for body in bodies:
            for content in body.get("content", {}).values():
                assert is_shown(content), name


class TestExamples:
    @for_each("name", PROMISED)
    def test_fit_the_schemas_beside_them(self, name):
        whole = plain()
        verb, path = name.split(" ")
        operation = whole["paths"][path][verb.lower()]
        parts = [body_of(operation, whole), *responses(operation, whole).values()]
        for content in (content for part in parts for content in part.get("content", {}).values()):
            schema = {**content["schema"], "components": whole["components"]}
            for example in examples_of(content, whole):
                json_schema()(schema).validate(example)
