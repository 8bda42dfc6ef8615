"""Examples of drafts for the OpenAPI document."""

from typing import Any

_ID = "0197a1c2-6f3e-7d21-9b4e-0c5d2f7a8e31"
_RULE_ID = "0197a1c2-6f3e-7d21-9b4e-0c5d2f7a8e32"
_RULE: dict[str, Any] = {
    "subject": "role:auditor",
    "object": "documents/*",
    "action": "read",
    "effect": "allow",
}
_LEFT_OUT: dict[str, Any] = {
    "department": "",
    "location": "",
    "hours": None,
    "conditions": [],
    "valid_from": None,
    "valid_until": None,
    "note": "",
}
CHANGES: list[dict[str, Any]] = [{"op": "add", "rule": _RULE}]
NEW_DRAFT: dict[str, Any] = {"changes": CHANGES, "reason": "Auditors read documents, ticket 4711."}
DRAFT: dict[str, Any] = {
    "id": _ID,
    "changes": [{"op": "add", "id": _RULE_ID, "rule": {**_RULE, **_LEFT_OUT}}],
    "base_version": 12,
    "status": "draft",
    "author_id": "0197a1c2-0000-7d21-9b4e-0c5d2f7a8e01",
    "author": "ada",
    "approvals": [],
    "approvals_needed": 1,
    "reason": "Auditors read documents, ticket 4711.",
    "version": 1,
    "applied_version": None,
    "created_at": "2026-01-05T10:00:00Z",
    "updated_at": "2026-01-05T10:00:00Z",
}
APPROVED_DRAFT: dict[str, Any] = {
    **DRAFT,
    "status": "approved",
    "approvals": [
        {
            "approver_id": "0197a1c2-0000-7d21-9b4e-0c5d2f7a8e02",
            "approver": "grace",
            "approved_at": "2026-01-05T10:20:00Z",
        }
    ],
}
APPLIED_DRAFT: dict[str, Any] = {**APPROVED_DRAFT, "status": "applied", "applied_version": 13}
_EXAMPLE: dict[str, Any] = {
    "subject": "role:auditor",
    "object": "documents/other",
    "action": "read",
    "attributes": {},
    "at": "2026-01-05T10:00:00Z",
    "before": "deny",
    "after": "allow",
    "rule_before": None,
    "rule_after": _RULE_ID,
}
_SEEN: dict[str, Any] = {**_EXAMPLE, "subject": "user:0197a1c2-0000-7d21-9b4e-0c5d2f7a8e03", "object": "documents/42"}
IMPACT: dict[str, Any] = {
    "gains": 1,
    "losses": 0,
    "is_exact": True,
    "examples": [_EXAMPLE],
    "history": {
        "evaluated": 812,
        "changed": 1,
        "undecided": 0,
        "is_complete": True,
        "recorded_since": "2025-12-29T10:00:00Z",
        "examples": [_SEEN],
    },
}
SHADOW: dict[str, Any] = {
    "is_on": True,
    "started_at": "2026-01-05T10:00:00Z",
    "ends_at": "2026-01-05T11:00:00Z",
    "evaluated": 5210,
    "differences": 3,
    "skipped": 0,
    "examples": [_SEEN],
}
UNUSED: dict[str, Any] = {
    "kind": "role",
    "id": "0197a1c2-6f3e-7d21-9b4e-0c5d2f7a8e33",
    "subject": "user:0197a1c2-0000-7d21-9b4e-0c5d2f7a8e03",
    "role": "auditor",
    "object": None,
    "action": None,
    "granted_at": "2025-06-01T09:00:00Z",
    "last_used_at": "2025-08-14T16:02:00Z",
}
