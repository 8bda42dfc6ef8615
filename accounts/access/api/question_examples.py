"""Examples in the API documentation of questions."""

from typing import Any

from drf_spectacular.utils import OpenApiExample

_RULE = "019b8d5a-4c1e-7a30-9f52-0d6f6b0f8a12"
_PERSON = "user:019b8d5a-4c1e-7a30-9f52-0d6f6b0f8a13"
_MATCHED: dict[str, Any] = {"rule": _RULE, "version": 12, "reasons": ["allowed_by_rule"]}
_OWN = {"object": "documents/42", "action": "read"}
_OF_ANOTHER = {
    "subject": _PERSON,
    "object": "documents/42",
    "action": "publish",
    "attributes": {"resource": {"department": "press"}},
}


def _sent(name: str, value: Any) -> OpenApiExample:
    return OpenApiExample(name, request_only=True, value=value)


def _answered(name: str, value: Any) -> OpenApiExample:
    return OpenApiExample(name, response_only=True, value=value)


CHECK = _sent("May I?", _OWN)
CHECK_OF_ANOTHER = _sent("May she?", _OF_ANOTHER)
ALLOWED = _answered("Allowed", {"allowed": True, "matched": _MATCHED, "version": 12})
CHECKS = _sent("Two questions", {"checks": [_OWN, _OF_ANOTHER]})
ALL_ALLOWED = _answered(
    "One is allowed",
    {"results": [{"allowed": True, "matched": None}, {"allowed": False, "matched": None}], "version": 12},
)
SUBJECT_SEARCH = _sent("Who may?", _OWN)
SUBJECTS_FOUND = _answered(
    "One person", {"results": [{"subject": _PERSON, "matched": _MATCHED}], "next": None, "version": 12}
)
OBJECT_SEARCH = _sent("What may I read?", {"action": "read"})
OBJECTS_FOUND = _answered(
    "One object", {"results": [{"object": "documents/42", "matched": None}], "next": "documents/42", "version": 12}
)
ACTION_SEARCH = _sent("What may I do to it?", {"object": "documents/42"})
ACTIONS_FOUND = _answered("One action", {"results": [{"action": "read", "matched": None}], "next": None, "version": 12})
