"""The roles and rules of a new installation. Afterwards they are the operators' own: nothing is ever put back."""

from collections.abc import Mapping, Sequence
from typing import Any

ADMIN = "admin"
DESCRIPTIONS = {
    ADMIN: "May do everything.",
    "auditor": "Reads everything, changes nothing.",
    "support": "Helps people with their accounts.",
    "security": "Watches events and incidents, and wards off attacks.",
}
# What each role but the first may do. Nobody of these can give roles or change the policy.
PERMISSIONS: Mapping[str, Sequence[str]] = {
    "auditor": (
        "users:read",
        "sessions:read",
        "events:read",
        "incidents:read",
        "detection_rules:read",
        "webhooks:read",
        "service_clients:read",
        "ssf:read",
        "keys:read",
        "jobs:read",
        "rate_limits:read",
        "policies:read",
        "docs:read",
    ),
    "support": (
        "users:read",
        "users:create",
        "users:change",
        "factors:reset",
        "sessions:read",
        "sessions:end",
        "docs:read",
    ),
    # Besides what its parents may do: who wards off attacks must be able to lock any of these accounts.
    "security": (
        "incidents:change",
        "detection_rules:change",
        "rate_limits:change",
        "access:break_glass",
    ),
}
PARENTS: Mapping[str, Sequence[str]] = {"security": ("auditor", "support")}
SHIPPED_ROLES: Mapping[str, Mapping[str, Any]] = {
    name: {"description": text, "parents": list(PARENTS.get(name, ()))} for name, text in DESCRIPTIONS.items()
}
SHIPPED_RULES: Sequence[Mapping[str, Any]] = [
    {"subject": f"role:{ADMIN}", "object": "**", "action": "*", "effect": "allow"},
    *(
        {"subject": f"role:{role}", "object": f"permissions/{name}", "action": "use", "effect": "allow"}
        for role, names in PERMISSIONS.items()
        for name in names
    ),
]
