"""Examples in the API documentation of rules, roles and versions."""

from typing import Any

NEW_RULE: dict[str, Any] = {
    "subject": "role:editor",
    "object": "documents/*",
    "action": "write",
    "effect": "allow",
    "hours": {
        "weekdays": ["mon", "tue", "wed", "thu", "fri"],
        "from": "09:00",
        "until": "17:00",
        "time_zone": "Europe/Madrid",
    },
    "conditions": [{"name": "same", "arguments": {"left": "subject.department", "right": "resource.department"}}],
    "valid_until": "2027-01-01T00:00:00Z",
    "note": "Editors write what belongs to their department.",
    "reason": "ticket 4711",
}
RULE: dict[str, Any] = {
    "id": "019b8d5a-4c1e-7a30-9f52-0d6f6b0f8a12",
    "department": "",
    "location": "",
    "valid_from": None,
    **{name: value for name, value in NEW_RULE.items() if name != "reason"},
    "created_at": "2026-01-05T10:00:00Z",
    "updated_at": "2026-01-05T10:00:00Z",
    "version": 7,
}
NEW_ROLE: dict[str, Any] = {
    "description": "Writes documents.",
    "parents": ["reader"],
    "separation_of_duty": ["auditor"],
    "reason": "ticket 4711",
}
ROLE: dict[str, Any] = {
    "name": "editor",
    **{name: value for name, value in NEW_ROLE.items() if name != "reason"},
    "created_at": "2026-01-05T10:00:00Z",
    "updated_at": "2026-01-05T10:00:00Z",
    "version": 6,
}
VERSION: dict[str, Any] = {
    "version": 7,
    "author": "boss",
    "author_id": "019b8d5a-0c1e-7a30-9f52-0d6f6b0f8a10",
    "reason": "ticket 4711",
    "restored": None,
    "created_at": "2026-01-05T10:00:00Z",
}
CHANGE: dict[str, Any] = {
    "kind": "role",
    "key": "editor",
    "before": None,
    "after": {"description": "Writes documents.", "parents": ["reader"], "separation_of_duty": ["auditor"]},
}
