"""The OpenAPI document: valid, complete, and the one that is committed."""

import json
from functools import cache

import pytest
from drf_spectacular.renderers import OpenApiJsonRenderer

from accounts.services.administration.operator_actions import OPERATOR_ACTIONS
from tests.described import VERBS, codes_of, document, is_public, resolved, responses
from tests.problem_shape import CODES, FIELD_CODES, MEMBERS
from tests.served import ROOT

# What the contract promises and is built, with the codes that are each call's own.
PROMISED = {
    "POST /api/v1/auth/register": {"username_taken", "email_taken", "validation_error"},
    "POST /api/v1/auth/confirm-email": {
        "invalid_or_expired_token",
        "email_taken",
        "username_taken",
        "invalid_credentials",
        "too_many_attempts",
        "validation_error",
    },
    "POST /api/v1/auth/resend-confirmation": {"validation_error"},
    "POST /api/v1/auth/forgot-password": {"validation_error"},
    "POST /api/v1/auth/reset-password": {"invalid_or_expired_token", "validation_error"},
    "POST /api/v1/auth/me/email": {
        "invalid_credentials",
        "step_up_required",
        "too_many_attempts",
        "validation_error",
    },
    "POST /api/v1/auth/login": {
        "invalid_credentials",
        "email_not_confirmed",
        "account_disabled",
        "password_reset_required",
        "session_limit_reached",
        "too_many_attempts",
    },
    "POST /api/v1/auth/reauthenticate": {
        "invalid_credentials",
        "invalid_mfa_code",
        "too_many_attempts",
        "token_expired",
    },
    "POST /api/v1/auth/reauthenticate/options": {"session_revoked"},
    "POST /api/v1/auth/reauthenticate/mailed-code": {"permission_denied", "email_not_confirmed", "too_many_attempts"},
    "GET /api/v1/auth/mfa": {"session_revoked"},
    "POST /api/v1/auth/mfa/verify": {"invalid_mfa_code", "invalid_or_expired_token", "too_many_attempts"},
    "POST /api/v1/auth/mfa/totp": {"already_exists", "reauthentication_required"},
    "POST /api/v1/auth/mfa/totp/activate": {"invalid_mfa_code", "reauthentication_required"},
    "DELETE /api/v1/auth/mfa/totp": {"not_found", "reauthentication_required", "step_up_required"},
    "POST /api/v1/auth/mfa/recovery-codes": {"not_found", "reauthentication_required", "step_up_required"},
    "POST /api/v1/auth/mfa/webauthn/options": {"reauthentication_required", "step_up_required"},
    "POST /api/v1/auth/mfa/webauthn": {"already_exists", "validation_error", "step_up_required"},
    "DELETE /api/v1/auth/mfa/webauthn/{key_id}": {
        "not_found",
        "permission_denied",
        "reauthentication_required",
        "step_up_required",
    },
    "POST /api/v1/auth/passkey/options": set(),
    "POST /api/v1/auth/passkey/login": {"invalid_credentials", "account_disabled", "email_not_confirmed"},
    "PUT /api/v1/auth/change-password": {"invalid_credentials", "validation_error", "too_many_attempts"},
    "GET /api/v1/auth/me": {"authentication_required", "invalid_token", "token_expired", "session_revoked"},
    "PATCH /api/v1/auth/me": {"precondition_required", "version_mismatch"},
    "DELETE /api/v1/auth/me": {
        "invalid_credentials",
        "permission_denied",
        "reauthentication_required",
        "step_up_required",
        "too_many_attempts",
        "validation_error",
    },
    "GET /api/v1/auth/me/export": {"reauthentication_required", "step_up_required"},
    "GET /api/v1/auth/me/security-events": {"validation_error", "session_revoked"},
    "GET /api/v1/auth/social/providers": set(),
    "POST /api/v1/auth/social/{provider}/authorize": {"not_found", "validation_error", "authentication_required"},
    "POST /api/v1/auth/social/{provider}/callback": {
        "invalid_social_token",
        "email_not_confirmed",
        "account_disabled",
        "session_limit_reached",
        "not_found",
    },
    "POST /api/v1/auth/social/{provider}/token": {
        "invalid_social_token",
        "email_not_confirmed",
        "account_disabled",
        "session_limit_reached",
        "not_found",
    },
    "POST /api/v1/auth/social/{provider}/link": {
        "invalid_social_token",
        "social_account_in_use",
        "already_exists",
        "reauthentication_required",
        "step_up_required",
    },
    "POST /api/v1/auth/social/{provider}/reauthenticate": {"invalid_social_token", "not_found"},
    "GET /api/v1/auth/social/accounts": {"authentication_required"},
    "DELETE /api/v1/auth/social/accounts/{account_id}": {
        "not_found",
        "permission_denied",
        "reauthentication_required",
        "step_up_required",
    },
    "GET /api/v1/admin/policy-drafts": {"permission_denied", "validation_error"},
    "POST /api/v1/admin/policy-drafts": {"permission_denied", "step_up_required", "already_exists", "stale_draft"},
    "GET /api/v1/admin/policy-drafts/{draft_id}": {"permission_denied", "not_found"},
    "PATCH /api/v1/admin/policy-drafts/{draft_id}": {"precondition_required", "version_mismatch", "stale_draft"},
    "DELETE /api/v1/admin/policy-drafts/{draft_id}": {"precondition_required", "version_mismatch", "stale_draft"},
    "GET /api/v1/admin/policy-drafts/{draft_id}/impact": {"permission_denied", "stale_draft", "service_unavailable"},
    "GET /api/v1/admin/policy-drafts/{draft_id}/shadow": {"permission_denied", "not_found"},
    "POST /api/v1/admin/policy-drafts/{draft_id}/shadow": {"permission_denied", "stale_draft", "already_in_use"},
    "POST /api/v1/admin/policy-drafts/{draft_id}/approve": {"permission_denied", "version_mismatch", "stale_draft"},
    "POST /api/v1/admin/policy-drafts/{draft_id}/apply": {"permission_denied", "version_mismatch", "stale_draft"},
    "GET /api/v1/admin/policies/unused": {"permission_denied", "validation_error"},
    "GET /api/v1/admin/rate-limit-policies": {"permission_denied", "validation_error"},
    "POST /api/v1/admin/rate-limit-policies": {"permission_denied", "already_exists", "step_up_required"},
    "GET /api/v1/admin/rate-limit-policies/{policy_id}": {"permission_denied", "not_found"},
    "PATCH /api/v1/admin/rate-limit-policies/{policy_id}": {"precondition_required", "version_mismatch", "not_found"},
    "DELETE /api/v1/admin/rate-limit-policies/{policy_id}": {"precondition_required", "version_mismatch", "not_found"},
    "GET /api/v1/admin/rate-limit-policies/versions": {"permission_denied"},
    "POST /api/v1/admin/rate-limit-policies/rollback": {"permission_denied", "not_found", "version_mismatch"},
    "GET /api/v1/admin/policies": {"permission_denied", "validation_error"},
    "POST /api/v1/admin/policies": {"permission_denied", "step_up_required", "already_exists", "already_in_use"},
    "GET /api/v1/admin/policies/{rule_id}": {"permission_denied", "not_found"},
    "PATCH /api/v1/admin/policies/{rule_id}": {
        "precondition_required",
        "version_mismatch",
        "already_exists",
        "step_up_required",
    },
    "DELETE /api/v1/admin/policies/{rule_id}": {"precondition_required", "version_mismatch", "validation_error"},
    "GET /api/v1/admin/policies/versions": {"permission_denied", "validation_error"},
    "GET /api/v1/admin/policies/versions/{number}": {"permission_denied", "not_found"},
    "POST /api/v1/admin/policies/rollback": {"permission_denied", "not_found", "version_mismatch", "already_in_use"},
    "GET /api/v1/admin/roles": {"permission_denied", "validation_error"},
    "GET /api/v1/admin/roles/{name}": {"permission_denied", "not_found"},
    "PUT /api/v1/admin/roles/{name}": {"precondition_required", "version_mismatch", "validation_error"},
    "DELETE /api/v1/admin/roles/{name}": {"precondition_required", "version_mismatch", "already_in_use"},
    "GET /api/v1/admin/service-clients": {"permission_denied", "validation_error"},
    "POST /api/v1/admin/service-clients": {"permission_denied", "already_exists", "step_up_required"},
    "GET /api/v1/admin/service-clients/{client_id}": {"permission_denied", "not_found"},
    "PATCH /api/v1/admin/service-clients/{client_id}": {
        "precondition_required",
        "version_mismatch",
        "not_found",
        "already_exists",
        "step_up_required",
    },
    "DELETE /api/v1/admin/service-clients/{client_id}": {"precondition_required", "version_mismatch", "not_found"},
    "GET /api/v1/admin/service-clients/{client_id}/roles": {"permission_denied", "not_found"},
    "GET /api/v1/admin/service-clients/{client_id}/roles/{role}": {"permission_denied", "not_found"},
    "PUT /api/v1/admin/service-clients/{client_id}/roles/{role}": {"separation_of_duty", "version_mismatch"},
    "DELETE /api/v1/admin/service-clients/{client_id}/roles/{role}": {"version_mismatch", "step_up_required"},
    "POST /api/v1/admin/service-clients/{client_id}/rotate-secret": {"not_found", "step_up_required"},
    "GET /api/v1/admin/security-events": {"permission_denied", "validation_error"},
    "GET /api/v1/admin/security-events/{event_id}": {"permission_denied", "not_found"},
    "GET /api/v1/admin/incidents": {"permission_denied", "validation_error"},
    "GET /api/v1/admin/incidents/{incident_id}": {"permission_denied", "not_found"},
    "PATCH /api/v1/admin/incidents/{incident_id}": {
        "already_exists",
        "not_found",
        "precondition_required",
        "step_up_required",
        "validation_error",
        "version_mismatch",
    },
    "GET /api/v1/admin/incidents/{incident_id}/events": {"permission_denied", "not_found", "validation_error"},
    "POST /api/v1/admin/incidents/{incident_id}/undo": {
        "already_exists",
        "not_found",
        "step_up_required",
        "validation_error",
    },
    "GET /api/v1/admin/detection-rules": {"permission_denied"},
    "GET /api/v1/admin/detection-rules/{rule_id}": {"permission_denied", "not_found"},
    "PATCH /api/v1/admin/detection-rules/{rule_id}": {
        "not_found",
        "step_up_required",
        "validation_error",
        "version_mismatch",
    },
    "GET /api/v1/admin/detection-rules/{rule_id}/versions": {"permission_denied", "not_found", "validation_error"},
    "GET /api/v1/health": {"permission_denied"},
    "GET /api/v1/metrics": {"permission_denied"},
    "GET /api/v1/admin/webhooks": {"permission_denied", "validation_error"},
    "POST /api/v1/admin/webhooks": {"permission_denied", "already_exists", "step_up_required", "validation_error"},
    "GET /api/v1/admin/webhooks/{webhook_id}": {"permission_denied", "not_found"},
    "PATCH /api/v1/admin/webhooks/{webhook_id}": {
        "precondition_required",
        "version_mismatch",
        "not_found",
        "step_up_required",
        "validation_error",
    },
    "DELETE /api/v1/admin/webhooks/{webhook_id}": {"precondition_required", "version_mismatch", "not_found"},
    "POST /api/v1/admin/webhooks/{webhook_id}/rotate-secret": {"not_found", "step_up_required", "validation_error"},
    "POST /api/v1/admin/webhooks/{webhook_id}/test": {"not_found", "step_up_required", "already_exists"},
    "POST /api/v1/admin/webhooks/{webhook_id}/replay": {"not_found", "step_up_required", "validation_error"},
    "GET /api/v1/admin/webhooks/{webhook_id}/deliveries": {"not_found", "permission_denied", "validation_error"},
    "GET /api/v1/admin/webhooks/{webhook_id}/deliveries/{delivery_id}": {"not_found", "permission_denied"},
    "POST /api/v1/admin/webhooks/{webhook_id}/deliveries/{delivery_id}/replay": {"not_found", "step_up_required"},
    "POST /api/v1/admin/break-glass": {"permission_denied", "step_up_required", "validation_error"},
    "GET /api/v1/admin/users": {"permission_denied", "validation_error"},
    "POST /api/v1/admin/users": {"permission_denied", "username_taken", "email_taken", "step_up_required"},
    "GET /api/v1/admin/users/{user_id}": {"permission_denied", "not_found"},
    "PATCH /api/v1/admin/users/{user_id}": {"precondition_required", "version_mismatch", "not_found"},
    "GET /api/v1/admin/users/{user_id}/second-factor-reset": {"permission_denied", "not_found"},
    "GET /api/v1/admin/users/{user_id}/roles": {"permission_denied", "not_found"},
    "GET /api/v1/admin/users/{user_id}/roles/{role}": {"permission_denied", "not_found"},
    "PUT /api/v1/admin/users/{user_id}/roles/{role}": {"permission_denied", "separation_of_duty", "step_up_required"},
    "DELETE /api/v1/admin/users/{user_id}/roles/{role}": {"permission_denied", "not_found", "validation_error"},
    "GET /api/v1/admin/users/{user_id}/sessions": {"permission_denied", "not_found"},
    "DELETE /api/v1/admin/users/{user_id}/sessions/{session_id}": {"permission_denied", "not_found"},
    **{
        f"POST /api/v1/admin/users/{{user_id}}/{name}": {"permission_denied", "step_up_required", "validation_error"}
        for name, action in OPERATOR_ACTIONS.items()
        if action.is_in_api
    },
    "POST /api/v1/auth/refresh": {"invalid_token", "session_revoked", "session_expired", "refresh_token_reused"},
    "POST /api/v1/auth/logout": {"authentication_required", "session_revoked"},
    "GET /api/v1/auth/sessions": {"session_expired", "validation_error"},
    "DELETE /api/v1/auth/sessions": {"session_revoked"},
    "DELETE /api/v1/auth/sessions/{session_id}": {"not_found"},
    "POST /api/v1/auth/ws-ticket": {"authentication_required", "session_revoked"},
    "POST /api/v1/authz/check": {"permission_denied", "validation_error", "service_unavailable"},
    "POST /api/v1/authz/check-batch": {"permission_denied", "validation_error", "service_unavailable"},
    "POST /api/v1/authz/search/subjects": {"permission_denied", "validation_error"},
    "POST /api/v1/authz/search/objects": {"permission_denied", "validation_error"},
    "POST /api/v1/authz/search/actions": {"permission_denied", "validation_error"},
    "POST /access/v1/evaluation": {"permission_denied", "malformed_request"},
    "POST /access/v1/evaluations": {"permission_denied", "malformed_request"},
    "POST /access/v1/search/subject": {"permission_denied", "malformed_request"},
    "POST /access/v1/search/resource": {"permission_denied", "malformed_request"},
    "POST /access/v1/search/action": {"permission_denied", "malformed_request"},
    "GET /.well-known/authzen-configuration": set(),
    "POST /api/v1/auth/introspect": {"authentication_required"},
    "POST /api/v1/auth/revoke": {"validation_error"},
    "GET /api/v1/admin/security-events/{event_id}/risk": {"permission_denied", "not_found"},
    "GET /api/v1/admin/security-events/{event_id}/proof": {"permission_denied", "not_found", "not_sealed_yet"},
    "GET /api/v1/admin/audit-trail/checkpoints": {"permission_denied", "validation_error"},
    "GET /api/v1/admin/audit-trail/checkpoint": {"permission_denied", "not_sealed_yet"},
    "GET /api/v1/admin/audit-trail/consistency": {"permission_denied", "not_found", "validation_error"},
    "GET /.well-known/audit-checkpoint": {"not_found", "not_sealed_yet"},
    "GET /.well-known/jwks.json": set(),
    "GET /.well-known/oauth-authorization-server": set(),
    "GET /livez": set(),
    "GET /readyz": {"service_unavailable"},
}
PUBLIC = {
    "GET /.well-known/authzen-configuration",
    "GET /api/v1/health",  # to machines in METRICS_ALLOWED_NETWORKS
    "POST /api/v1/auth/register",
    "POST /api/v1/auth/confirm-email",
    "POST /api/v1/auth/resend-confirmation",
    "POST /api/v1/auth/forgot-password",
    "POST /api/v1/auth/reset-password",
    "POST /api/v1/auth/login",
    "POST /api/v1/auth/refresh",
    "POST /api/v1/auth/revoke",
    "POST /api/v1/auth/mfa/verify",
    "POST /api/v1/auth/passkey/options",
    "POST /api/v1/auth/passkey/login",
    "GET /.well-known/audit-checkpoint",
    "GET /.well-known/jwks.json",
    "GET /.well-known/oauth-authorization-server",
    "GET /livez",
    "GET /readyz",
    "GET /api/v1/auth/social/providers",
    "POST /api/v1/auth/social/{provider}/authorize",
    "POST /api/v1/auth/social/{provider}/callback",
    "POST /api/v1/auth/social/{provider}/token",
}
SUCCESSES = {
    "DELETE /api/v1/auth/me": {"202"},
    "POST /api/v1/admin/policy-drafts": {"201"},
    "DELETE /api/v1/admin/policy-drafts/{draft_id}": {"204"},
    "POST /api/v1/admin/rate-limit-policies": {"201"},
    "DELETE /api/v1/admin/rate-limit-policies/{policy_id}": {"204"},
    "POST /api/v1/admin/policies": {"201"},
    "DELETE /api/v1/admin/policies/{rule_id}": {"204"},
    "PUT /api/v1/admin/roles/{name}": {"200", "201"},
    "DELETE /api/v1/admin/roles/{name}": {"204"},
    "DELETE /api/v1/admin/users/{user_id}/roles/{role}": {"204"},
    "POST /api/v1/admin/service-clients": {"201"},
    "POST /api/v1/admin/webhooks": {"201"},
    "DELETE /api/v1/admin/webhooks/{webhook_id}": {"204"},
    "POST /api/v1/admin/webhooks/{webhook_id}/test": {"202"},
    "POST /api/v1/admin/webhooks/{webhook_id}/replay": {"202"},
    "POST /api/v1/admin/webhooks/{webhook_id}/deliveries/{delivery_id}/replay": {"202"},
    "DELETE /api/v1/admin/service-clients/{client_id}": {"204"},
    "DELETE /api/v1/admin/service-clients/{client_id}/roles/{role}": {"204"},
    "POST /api/v1/admin/users": {"201"},
    "POST /api/v1/admin/users/{user_id}/anonymise": {"204"},
    "DELETE /api/v1/admin/users/{user_id}/sessions/{session_id}": {"204"},
    "POST /api/v1/auth/register": {"201", "202"},
    "POST /api/v1/auth/resend-confirmation": {"202"},
    "POST /api/v1/auth/forgot-password": {"202"},
    "POST /api/v1/auth/reauthenticate/mailed-code": {"202"},
    "POST /api/v1/auth/me/email": {"202"},
    "POST /api/v1/auth/logout": {"204"},
    "DELETE /api/v1/auth/sessions/{session_id}": {"204"},
    "DELETE /api/v1/auth/mfa/totp": {"204"},
    "POST /api/v1/auth/mfa/webauthn": {"201"},
    "DELETE /api/v1/auth/mfa/webauthn/{key_id}": {"204"},
    "DELETE /api/v1/auth/social/accounts/{account_id}": {"204"},
    "POST /api/v1/auth/social/{provider}/link": {"201"},
}
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


def operations():
    return {
        f"{verb.upper()} {path}": operation
        for path, methods in document()["paths"].items()
        for verb, operation in methods.items()
        if verb in VERBS
    }


@cache
def plain():
    return json.loads(OpenApiJsonRenderer().render(document()))


def json_schema():
    # Here, since jsonschema takes a second of CPU to import, which each worker would do when it collects.
    from jsonschema import Draft202012Validator

    return Draft202012Validator


class TestTheDocument:
    def test_is_valid_openapi_3_1(self):
        assert document()["openapi"].startswith("3.1.")
        from drf_spectacular.validation import validate_schema  # here, since it imports jsonschema

        validate_schema(document())

    def test_is_the_one_that_is_committed(self):
        committed = json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))
        assert committed == plain()

    def test_has_exactly_the_calls_that_are_promised(self):
        assert set(operations()) == set(PROMISED)

    def test_has_an_unique_id_for_each_call(self):
        ids = [operation["operationId"] for operation in operations().values()]
        assert len(ids) == len(set(ids))

    def test_has_schemas_that_are_valid_themselves(self):
        for schema in plain()["components"]["schemas"].values():
            json_schema().check_schema(schema)

    def test_has_references_that_lead_somewhere(self):
        components = document()["components"]
        there = {f"{kind}/{name}" for kind, named in components.items() for name in named}
        used = {part.split('"')[0] for part in json.dumps(plain()).split("#/components/")[1:]}
        assert used <= there
        assert {name for name in there if not name.startswith("securitySchemes/")} <= used


class TestEveryCall:
    @pytest.mark.parametrize("name", PROMISED)
    def test_names_its_problems(self, name):
        codes = codes_of(operations()[name])
        flat = set().union(*codes.values())

        assert flat >= PROMISED[name]
        for status, names in codes.items():
            assert names <= CODES[status]
        assert {"internal_error", "service_unavailable", "rate_limited"} <= flat
        if not name.endswith("z"):
            assert "not_acceptable" in flat

    @pytest.mark.parametrize("name", PROMISED)
    def test_says_whether_it_is_public(self, name):
        operation = operations()[name]
        assert is_public(operation) == (name in PUBLIC)
        assert (401 in codes_of(operation)) >= (name not in PUBLIC)

    @pytest.mark.parametrize("name", PROMISED)
    def test_says_how_it_succeeds(self, name):
        successes = {status for status in operations()[name]["responses"] if status.startswith("2")}
        assert successes == SUCCESSES.get(name, {"200"})

    @pytest.mark.parametrize("name", PROMISED)
    def test_with_a_body_says_what_a_bad_one_gets(self, name):
        operation = operations()[name]
        if "requestBody" in operation:
            flat = set().union(*codes_of(operation).values())
            assert flat >= {"malformed_request", "payload_too_large", "unsupported_media_type", "validation_error"}

    @pytest.mark.parametrize("name", PROMISED)
    def test_is_described_and_shown(self, name):
        operation = operations()[name]
        assert operation["description"]
        assert 2 < len(operation["summary"]) <= 60
        assert not operation["summary"].endswith(".")
        bodies = [operation["requestBody"]] if "requestBody" in operation else []
        bodies += [answer for status, answer in operation["responses"].items() if status.startswith("2")]
        for body in bodies:
            for content in body.get("content", {}).values():
                assert content["examples"], name


class TestExamples:
    @pytest.mark.parametrize("name", PROMISED)
    def test_fit_the_schemas_beside_them(self, name):
        whole = plain()
        verb, path = name.split(" ")
        operation = whole["paths"][path][verb.lower()]
        parts = [operation.get("requestBody", {}), *responses(operation).values()]
        for content in (content for part in parts for content in part.get("content", {}).values()):
            schema = {**content["schema"], "components": whole["components"]}
            for example in content.get("examples", {}).values():
                json_schema()(schema).validate(resolved(example, whole)["value"])


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
