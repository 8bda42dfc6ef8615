"""Values for the examples of the OpenAPI document."""

from typing import Any

USER: dict[str, Any] = {
    "id": "019b8d5a-4c1e-7a30-9f52-0d6f6b0f8a11",
    "username": "mina",
    "email": "mina@example.com",
    "email_confirmed": True,
    "full_name": "Mina Karimi",
    "locale": "en",
    "is_active": True,
    "roles": [],
    "tier": "free",
    "mfa_enabled": False,
    "created_at": "2026-01-05T10:00:00Z",
    "updated_at": "2026-01-05T10:00:00Z",
}
MFA_CHALLENGE: dict[str, Any] = {
    "token": "cdc_pZ6y0m6o3r1qk2vJwV2xJc9iUO4r3o2p8uYcA0dPz1E",
    "methods": ["totp", "recovery_code"],
    "expires_in": 300,
}
PASSWORD = "violet harbour drum kite"  # noqa: S105 - an example
NEW_PASSWORD = "copper lantern seven owls"  # noqa: S105 - an example
ACTIVITY: dict[str, Any] = {
    "id": "019b8d5a-4c1e-7a30-9f52-0d6f6b0f8a12",
    "type": "authentication.login_succeeded",
    "occurred_at": "2026-01-05T10:00:00Z",
    "severity": "info",
    "outcome": "success",
    "ip_address": "203.0.113.7",
    "user_agent": "Phone/1.0",
    "session_id": None,
    "details": {"amr": ["pwd"]},
}
EXPORT: dict[str, Any] = {
    "format": 1,
    "exported_at": "2026-01-05T11:00:00Z",
    "account": {
        "id": USER["id"],
        "username": "mina",
        "email": "mina@example.com",
        "email_confirmed_at": "2026-01-05T10:00:00Z",
        "full_name": "Mina Karimi",
        "locale": "en",
        "roles": [],
        "tier": "free",
        "department": "",
        "location": "",
        "is_active": True,
        "mfa_enabled": True,
        "created_at": "2026-01-05T10:00:00Z",
        "updated_at": "2026-01-05T10:00:00Z",
        "last_login_at": "2026-01-05T10:00:00Z",
        "deletion_requested_at": None,
    },
    "sessions": {"results": [], "is_truncated": False},
    "second_factors": [
        {"method": "totp", "name": "", "created_at": "2026-01-05T10:00:00Z", "last_used_at": None},
    ],
    "social_accounts": [],
    "imports": [],
    "security_events": {
        "results": [ACTIVITY],
        "is_truncated": False,
        "all_at": "/api/v1/auth/me/security-events",
    },
}
TIMESTAMP = "2026-01-05T10:00:00Z"
