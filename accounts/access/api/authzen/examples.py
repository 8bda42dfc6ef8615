"""Examples in the API documentation of AuthZEN's calls."""

from typing import Any

from drf_spectacular.utils import OpenApiExample

_USER = {"type": "user", "id": "019b8d5a-4c1e-7a30-9f52-0d6f6b0f8a13"}
_RECORD = {"type": "record", "id": "42"}
_READ = {"name": "read"}
_ALLOWED: dict[str, Any] = {"decision": True, "context": {"reasons": ["allowed_by_rule"]}}
_DENIED: dict[str, Any] = {
    "decision": False,
    "context": {"reasons": ["no_rule"], "step_up": {"factor": "second_factor"}},
}
_LAST_PAGE = {"next_token": "", "count": 1}


def _sent(name: str, value: Any) -> OpenApiExample:
    return OpenApiExample(name, request_only=True, value=value)


def _answered(name: str, value: Any) -> OpenApiExample:
    return OpenApiExample(name, response_only=True, value=value)


EVALUATION = _sent("May she?", {"subject": _USER, "action": _READ, "resource": _RECORD})
DECISION = _answered("Allowed", _ALLOWED)
EVALUATIONS = _sent(
    "Two records",
    {
        "subject": _USER,
        "action": _READ,
        "evaluations": [{"resource": _RECORD}, {"resource": {"type": "record", "id": "43"}}],
    },
)
DECISIONS = _answered("One is allowed", {"evaluations": [_ALLOWED, _DENIED]})
SUBJECT_SEARCH = _sent("Who may?", {"subject": {"type": "user"}, "action": _READ, "resource": _RECORD})
SUBJECTS = _answered("One person", {"page": _LAST_PAGE, "results": [_USER]})
RESOURCE_SEARCH = _sent("What may she read?", {"subject": _USER, "action": _READ, "resource": {"type": "record"}})
RESOURCES = _answered("One record", {"page": _LAST_PAGE, "results": [_RECORD]})
ACTION_SEARCH = _sent("What may she do?", {"subject": _USER, "resource": _RECORD})
ACTIONS = _answered("One action", {"page": _LAST_PAGE, "results": [_READ]})
METADATA = _answered(
    "Metadata",
    {
        "policy_decision_point": "https://id.example.org",
        "access_evaluation_endpoint": "https://id.example.org/access/v1/evaluation",
        "access_evaluations_endpoint": "https://id.example.org/access/v1/evaluations",
        "search_subject_endpoint": "https://id.example.org/access/v1/search/subject",
        "search_resource_endpoint": "https://id.example.org/access/v1/search/resource",
        "search_action_endpoint": "https://id.example.org/access/v1/search/action",
        "signed_metadata": "eyJhbGciOiJSUzI1NiIsInR5cCI6ImF1dGh6ZW4tbWV0YWRhdGErand0In0.eyJpc3MiOiJodHRwcyJ9.c2ln",
    },
)
