"""The one shape of an error, as docs/openapi.json and the contract promise it, from each part of the server."""

import json
import re
from typing import NamedTuple

MEMBERS = {"type", "title", "status", "detail", "instance", "code", "correlation_id", "timestamp"}
CODES = {
    400: {"malformed_request", "invalid_or_expired_token"},
    401: {
        "authentication_required",
        "invalid_token",
        "token_expired",
        "session_revoked",
        "session_expired",
        "refresh_token_reused",
        "invalid_credentials",
        "invalid_mfa_code",
        "invalid_social_token",
        "invalid_dpop_proof",
    },
    403: {
        "permission_denied",
        "email_not_confirmed",
        "account_disabled",
        "reauthentication_required",
        "step_up_required",
        "password_reset_required",
    },
    404: {"not_found"},
    405: {"method_not_allowed"},
    406: {"not_acceptable"},
    408: {"request_timeout"},
    409: {
        "username_taken",
        "email_taken",
        "social_account_in_use",
        "session_limit_reached",
        "already_exists",
        "already_in_use",
        "separation_of_duty",
        "stale_draft",
        "not_sealed_yet",
    },
    410: {"hashes_pruned"},
    412: {"version_mismatch"},
    413: {"payload_too_large"},
    415: {"unsupported_media_type"},
    422: {"validation_error"},
    428: {"precondition_required"},
    429: {"rate_limited", "too_many_attempts"},
    500: {"internal_error"},
    503: {"service_unavailable"},
}
FIELD_CODES = {
    "required",
    "invalid",
    "blank",
    "max_length",
    "min_length",
    "unknown_field",
    "password_too_short",
    "password_too_long",
    "password_too_common",
    "password_too_similar",
    "password_reused",
    "password_too_weak",
    "password_unchanged",
    "username_invalid",
    "username_reserved",
    "email_invalid",
    "idempotency_key_reused",
}
# Refused for the shape of the request: who asked, and their session, are as they were.
FOR_THEIR_SHAPE = {400, 404, 405, 413, 415, 422}
HEADERS = {"x-content-type-options": "nosniff", "x-frame-options": "DENY", "referrer-policy": "no-referrer"}
INTERNALS = re.compile(
    r"Traceback|File \"|line \d+, in |psycopg|django|rest_framework|OperationalError|IntegrityError|DataError|"
    r"SELECT .* FROM|UPDATE .* SET|INSERT INTO|/site-packages/|ErrorDetail|Exception|KeyError|ValueError"
)


class Answer(NamedTuple):
    """A response of any HTTP client. Names of headers are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @classmethod
    def of(cls, response):
        """Take one of the test client, of httpx or of requests."""
        headers = {name.lower(): value for name, value in response.headers.items()}
        return cls(response.status_code, headers, bytes(response.content))

    @property
    def document(self):
        return json.loads(self.body)


def assert_problem(answer, *, status=None, code=None, secrets=()):
    """Check every promise about an error; return its document."""
    answer = answer if isinstance(answer, Answer) else Answer.of(answer)
    seen = f"{answer.status} {answer.headers.get('content-type')} {answer.body[:600]!r}"
    assert answer.status >= 400, seen
    assert answer.headers.get("content-type") == "application/problem+json", seen
    problem = json.loads(answer.body.decode("utf-8"))
    assert status is None or answer.status == status, seen
    assert code is None or problem["code"] == code, seen
    _check_members(problem, answer, seen)
    _check_headers(problem, answer, seen)
    assert_discreet(answer, secrets=secrets)
    return problem


def assert_acceptable(answer, *, secrets=()):
    """Check what holds for any answer to any input: an error of the contract's shape or a success, and discretion."""
    answer = answer if isinstance(answer, Answer) else Answer.of(answer)
    seen = f"{answer.status} {answer.body[:600]!r}"
    assert answer.status < 500, seen
    assert not 300 <= answer.status < 400, f"a redirect: {seen}"
    if answer.status >= 400:
        assert_problem(answer, secrets=secrets)
    else:
        assert_discreet(answer, secrets=secrets)
    return answer


def assert_discreet(answer, *, secrets=()):
    """Check that neither our internals nor a secret that was sent stand in the answer."""
    text = answer.body.decode("utf-8")
    found = INTERNALS.search(text) if answer.status >= 400 else None
    assert found is None, f"internals are shown: {found[0]!r} in {text[:600]}"
    for secret in secrets:
        assert secret not in text, f"a secret came back in {answer.status} {text[:600]}"


def _check_members(problem, answer, seen):
    expected = MEMBERS | ({"errors"} if problem["code"] == "validation_error" else set())
    assert set(problem) == expected, seen
    assert problem["status"] == answer.status, seen
    assert problem["code"] in CODES.get(answer.status, ()), seen
    assert problem["type"].endswith(f"/{problem['code']}"), seen
    assert problem["title"], seen
    assert problem["detail"], seen
    assert re.fullmatch(r"/[A-Za-z0-9/._~:@!$&'()*+,;=%-]*", problem["instance"]), seen
    assert re.fullmatch(r"[A-Za-z0-9._-]{8,64}", problem["correlation_id"]), seen
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", problem["timestamp"]), seen
    if "errors" in expected:
        assert problem["errors"], seen
        for error in problem["errors"]:
            assert set(error) == {"field", "code", "detail"}, seen
            assert error["code"] in FIELD_CODES, seen
            assert error["field"], seen
            assert error["detail"], seen


def _check_headers(problem, answer, seen):
    headers = answer.headers
    assert headers.get("x-correlation-id") == problem["correlation_id"], f"{headers} {seen}"
    assert "no-store" in headers.get("cache-control", ""), f"{headers} {seen}"
    for name, value in HEADERS.items():
        assert headers.get(name) == value, f"{name}: {headers} {seen}"
    if answer.status == 401:
        assert headers.get("www-authenticate", "").startswith("Bearer"), f"{headers} {seen}"
    if answer.status == 405:
        assert headers.get("allow"), f"{headers} {seen}"
    if answer.status in (429, 503):
        assert int(headers["retry-after"]) >= 1, f"{headers} {seen}"
