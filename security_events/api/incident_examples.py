"""Values of incidents and detection rules that the OpenAPI document shows."""

from typing import Any

INCIDENT: dict[str, Any] = {
    "id": "019b8d5a-5000-7a30-9f52-0d6f6b0f8a11",
    "rule": "credential_stuffing",
    "title": "Stolen passwords tried from one network",
    "status": "open",
    "severity": "high",
    "subject": None,
    "network": "203.0.113.0/24",
    "opened_at": "2026-01-05T10:00:01.123456Z",
    "updated_at": "2026-01-05T10:04:00.654321Z",
    "resolved_at": None,
    "events": 212,
    "risk_score": 73,
    "risk_reasons": [],
    "evidence": {"tries": 41, "accounts": 40, "addresses": 3},
    "rule_version": 0,
    "responses": [
        {
            "id": "019b8d5a-5001-7a30-9f52-0d6f6b0f8a11",
            "kind": "tighten_network",
            "started_at": "2026-01-05T10:00:01.123456Z",
            "ends_at": "2026-01-05T11:00:01.123456Z",
            "undone_at": None,
            "undone_by": None,
        }
    ],
    "verdict": None,
    "note": "",
}
RESOLVED: dict[str, Any] = {
    **INCIDENT,
    "status": "resolved",
    "resolved_at": "2026-01-05T10:20:00Z",
    "verdict": "false_positive",
    "note": "The mail program of the office after the move.",
    "responses": [
        {
            **INCIDENT["responses"][0],
            "undone_at": "2026-01-05T10:20:00Z",
            "undone_by": "019b8d00-0000-7a30-9f52-0d6f6b0f8a11",
        }
    ],
}
ENTRY: dict[str, Any] = {
    "id": "019b8d5a-4c1e-7a30-9f52-0d6f6b0f8a11",
    "occurred_at": "2026-01-05T10:00:00.123456Z",
    "type": "authentication.login_failed",
    "severity": "low",
    "outcome": "failure",
    "ip_address": "203.0.113.7",
    "actor_id": None,
    "event": "/api/v1/admin/security-events/019b8d5a-4c1e-7a30-9f52-0d6f6b0f8a11",
    "proof": "/api/v1/admin/security-events/019b8d5a-4c1e-7a30-9f52-0d6f6b0f8a11/proof",
}
RULE: dict[str, Any] = {
    "id": "credential_stuffing",
    "title": "Stolen passwords tried from one network",
    "reason": "Names and passwords stolen elsewhere are tried: many accounts, one or two tries each.",
    "false_alarms": "An office in which a shared program fails for all at once.",
    "severity": "high",
    "score": 73,
    "window": 900,
    "responses": ["tighten_network"],
    "mode": "enforce",
    "default_mode": "enforce",
    "thresholds": {"tries": 40, "accounts": 15, "most_each": 2, "few_percent": 80},
    "default_thresholds": {"tries": 25, "accounts": 15, "most_each": 2, "few_percent": 80},
    "version": 3,
    "shadow": {"findings": 2, "days": [{"day": "2026-01-05", "findings": 2}]},
    "unresolved": 1,
    "verdicts": {"true_positive": 7, "false_positive": 1, "benign": 0},
    "verdict_days": 90,
    "precision": 0.875,
}
RULE_CHANGE: dict[str, Any] = {"mode": "shadow", "thresholds": {"tries": 40}, "reason": "The office's mail program."}
RULE_VERSION: dict[str, Any] = {
    "version": 3,
    "mode": "enforce",
    "thresholds": RULE["thresholds"],
    "reason": "The office's mail program.",
    "author_id": "019b8d00-0000-7a30-9f52-0d6f6b0f8a11",
    "author_name": "captain",
    "created_at": "2026-01-05T09:00:00Z",
}
