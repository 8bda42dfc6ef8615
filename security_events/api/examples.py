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
LINE = '{"id":"019b8d5a-4c1e-7a30-9f52-0d6f6b0f8a11","type":"authentication.login_failed"}\n'
CEF_LINE = (
    "CEF:0|Cedrina|Cedrina|0.1.0|authentication.login_failed|authentication login failed|3|rt=1767607200123 "
    "externalId=019b8d5a-4c1e-7a30-9f52-0d6f6b0f8a11 cat=authentication outcome=failure src=203.0.113.7\n"
)
