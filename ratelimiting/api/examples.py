"""Examples in the API documentation of policies."""

from typing import Any

NEW_POLICY: dict[str, Any] = {
    "name": "export",
    "description": "Exports by one person.",
    "algorithm": "sliding_window",
    "limit": 5,
    "window": 3600,
    "scope": ["user"],
    "match": {"routes": ["export-me"], "methods": ["GET"]},
    "mode": "enforce",
    "reason": "exports are dear",
}
POLICY: dict[str, Any] = {
    **{name: value for name, value in NEW_POLICY.items() if name != "reason"},
    "id": "019b8d5a-4c1e-7a30-9f52-0d6f6b0f8a12",
    "burst": None,
    "match": {"routes": ["export-me"], "methods": ["GET"], "tier": None, "unless": []},
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
