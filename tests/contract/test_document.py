"""The OpenAPI document: valid, complete, and the one that is committed."""

import json

import pytest

from tests.contract.promised import PROMISED
from tests.described import document, json_schema, operations, plain
from tests.problem_shape import FIELD_CODES, MEMBERS
from tests.programs.served import ROOT

USER = {
    "id",
    "username",
    "email",
    "email_confirmed",
    "full_name",
    "locale",
    "is_active",
    "roles",
    "tier",
    "mfa_enabled",
    "created_at",
    "updated_at",
}
TOKENS = {"access_token", "refresh_token", "token_type", "expires_in", "refresh_expires_in", "session_id"}
SESSION = {
    "id",
    "current",
    "ip_address",
    "user_agent",
    "device",
    "location",
    "created_at",
    "last_activity_at",
    "expires_at",
    "amr",
}


class TestTheDocument:
    def test_is_valid_openapi_3_1(self):
        assert document()["openapi"].startswith("3.1.")
        from drf_spectacular.validation import validate_schema  # here, since it imports jsonschema

        validate_schema(document())

    def test_is_the_one_that_is_committed(self):
        committed = json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))
        assert committed == plain()

    def test_is_small_as_it_is_committed(self):
        # People download it, and generators and pages parse it. `cedrina/openapi` says what was done for its size.
        assert (ROOT / "docs" / "openapi.json").stat().st_size < 300_000

    def test_has_exactly_the_calls_that_are_promised(self):
        assert set(operations()) == set(PROMISED)

    def test_has_an_unique_id_for_each_call(self):
        ids = [operation["operationId"] for operation in operations().values()]
        assert len(ids) == len(set(ids))

    def test_has_schemas_that_are_valid_themselves(self):
        for schema in plain()["components"]["schemas"].values():
            json_schema().check_schema(schema)

    def test_has_examples_that_fit_their_schemas(self):
        components = plain()["components"]
        for schema in components["schemas"].values():
            for example in schema.get("examples", ()):
                json_schema()({**schema, "components": components}).validate(example)

    def test_has_references_that_lead_somewhere(self):
        components = document()["components"]
        there = {f"{kind}/{name}" for kind, named in components.items() for name in named}
        used = {part.split('"')[0] for part in json.dumps(plain()).split("#/components/")[1:]}
        assert used <= there
        assert {name for name in there if not name.startswith("securitySchemes/")} <= used


class TestShapes:
    @pytest.mark.parametrize(
        ("schema", "members"),
        [
            ("UserOutput", USER),
            ("TokenPairOutput", TOKENS),
            ("SessionOutput", SESSION),
            ("Problem", MEMBERS | {"errors"}),
        ],
    )
    def test_have_the_members_of_the_contract_and_all_of_them_always(self, schema, members):
        described = document()["components"]["schemas"][schema]
        assert set(described["properties"]) == members
        assert set(described["required"]) == members - {"errors"}

    def test_of_field_errors_have_the_codes_of_the_contract(self):
        described = document()["components"]["schemas"]["FieldError"]
        assert set(described["properties"]["code"]["enum"]) == FIELD_CODES

    def test_of_passwords_are_for_writing_only(self):
        for name, schema in document()["components"]["schemas"].items():
            for member, described in schema.get("properties", {}).items():
                if "password" in member:
                    assert described.get("writeOnly"), (name, member)
