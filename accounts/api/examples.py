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
TIMESTAMP = "2026-01-05T10:00:00Z"
NEW_POLICY: dict[str, Any] = {
    "name": "export",
    "description": "Exports by one person.",
    "algorithm": "sliding_window",
    "limit": 5,
    "window": 3600,
    "scope": ["user"],
    "match": {"routes": ["export"], "methods": ["GET"]},
    "mode": "enforce",
    "reason": "exports are dear",
}
POLICY: dict[str, Any] = {
    **{name: value for name, value in NEW_POLICY.items() if name != "reason"},
    "id": "019b8d5a-4c1e-7a30-9f52-0d6f6b0f8a12",
    "burst": None,
    "match": {"routes": ["export"], "methods": ["GET"], "tier": None, "unless": []},
    "cost": 1,
    "on_store_failure": "local",
    "version": 3,
    "updated_at": "2026-01-05T10:00:00Z",
}
POLICY_IN_FORCE: dict[str, Any] = {**POLICY, "source": "database"}
POLICY_VERSION: dict[str, Any] = {
    "version": 3,
    "change": "created",
    "policy": "export",
    "author": "boss",
    "reason": "exports are dear",
    "created_at": "2026-01-05T10:00:00Z",
}
