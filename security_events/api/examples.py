"""Values that the OpenAPI document shows."""

from typing import Any

EVENT: dict[str, Any] = {
    "id": "019b8d5a-4c1e-7a30-9f52-0d6f6b0f8a11",
    "occurred_at": "2026-01-05T10:00:00.123456Z",
    "type": "authentication.login_failed",
    "category": "authentication",
    "severity": "low",
    "outcome": "failure",
    "actor_id": None,
    "actor_name": "m***@example.com",
    "actor_pseudonym": "5f1c9b0a7e2d4c6b8a90f1e2d3c4b5a6",
    "target_id": None,
    "target_name": None,
    "session_id": None,
    "family_id": None,
    "correlation_id": "0197a3c0-5b1e-7c4d-9f00-2b6f1c9a7d10",
    "ip_address": "203.0.113.7",
    "user_agent": "curl/8.5.0",
    "risk_score": 20,
    "risk_reasons": ["unknown_name"],
    "data": {},
}
RISK: dict[str, Any] = {
    "score": 78,
    "recomputed": 78,
    "choice": "step_up",
    "mode": "enforce",
    "threshold": 75,
    "thresholds": {"notify": 60, "step_up": 75, "refuse": 101},
    "rule_version": 0,
    "explanation": "The risk of 78 reaches the threshold of 75: sensitive calls of the session take a proof.",
    "features": [
        {
            "factor": "network",
            "name": "network",
            "weight": 19,
            "evidence": {"own": 0, "own_above": 12000, "common": 3, "common_above": 210, "distinct": 40},
            "explanation": "The same in 0 of 12 alike sign-ins of the account, and in 3 of 210 of all accounts, among "
            "40 different values.",
        }
    ],
}
LINE = '{"id":"019b8d5a-4c1e-7a30-9f52-0d6f6b0f8a11","type":"authentication.login_failed"}\n'
CEF_LINE = (
    "CEF:0|Cedrina|Cedrina|0.1.0|authentication.login_failed|authentication login failed|3|rt=1767607200123 "
    "externalId=019b8d5a-4c1e-7a30-9f52-0d6f6b0f8a11 cat=authentication outcome=failure src=203.0.113.7\n"
)
WEBHOOK_SECRET = "whsec_QzJkb0x2ZXIgdGhlIGhpbGxzIGFuZCBmYXIgYXdheSE="
NEW_WEBHOOK: dict[str, Any] = {
    "url": "https://hooks.example.com/cedrina",
    "types": ["authentication.login_failed", "authentication.login_succeeded"],
}
WEBHOOK: dict[str, Any] = {
    "id": "019b8d5a-0000-7a30-9f52-0d6f6b0f8a11",
    **NEW_WEBHOOK,
    "format": "cedrina",
    "is_enabled": True,
    "state": "active",
    "failed_attempts": 0,
    "failing_since": None,
    "next_attempt_at": None,
    "last_error": None,
    "last_delivered_at": "2026-01-05T10:00:00.600000Z",
    "public_key": "whpk_3fVqvTzgrGvYKx8mS7YkbIdJ6Uo4b0V0m3Yw8yX1c2E=",
    "secrets": [{"created_at": "2026-01-05T09:00:00Z", "expires_at": None}],
    "created_at": "2026-01-05T09:00:00Z",
    "updated_at": "2026-01-05T09:00:00Z",
    "created_by": "019b8d00-0000-7a30-9f52-0d6f6b0f8a11",
}
DELIVERY: dict[str, Any] = {
    "id": "019b8d5a-4f00-7a30-9f52-0d6f6b0f8a11",
    "cause": "event",
    "message_id": EVENT["id"],
    "type": EVENT["type"],
    "status": "delivered",
    "attempts": 1,
    "response_status": 204,
    "error": "",
    "duration_ms": 12,
    "created_at": "2026-01-05T10:00:00.588000Z",
    "attempted_at": "2026-01-05T10:00:00.588000Z",
}
QUEUED_DELIVERY: dict[str, Any] = {
    **DELIVERY,
    "cause": "replay",
    "status": "queued",
    "attempts": 0,
    "response_status": None,
    "duration_ms": None,
    "attempted_at": None,
}
