"""Somebody's second factors as they may be shown to their owner: no secrets, no codes, no keys."""

from typing import Any
from uuid import UUID

from allauth.mfa.models import Authenticator

from accounts.factors.enrolled import METHODS


def described(user_id: UUID) -> list[dict[str, Any]]:
    """Describe each factor by its kind, the name its owner gave it, and when it was added and used."""
    rows = Authenticator.objects.filter(user_id=user_id).order_by("created_at", "pk")
    return [
        {
            "method": METHODS[Authenticator.Type(row.type)],
            "name": str(row.data.get("name", "")) if isinstance(row.data, dict) else "",
            "created_at": row.created_at,
            "last_used_at": row.last_used_at,
        }
        for row in rows
    ]
