"""Which accounts of other providers somebody is connected to."""

from typing import Any
from uuid import UUID

from allauth.socialaccount.models import SocialAccount

from security_events.masking import is_secret_key


def described(user_id: UUID) -> list[dict[str, Any]]:
    """Describe each connection by the provider, the provider's id of the person, and what it told about them."""
    rows = SocialAccount.objects.filter(user_id=user_id).order_by("date_joined", "pk")
    return [
        {
            "provider": row.provider,
            "uid": row.uid,
            "profile": _without_secrets(row.extra_data),
            "linked_at": row.date_joined,
            "last_login_at": row.last_login,
        }
        for row in rows
    ]


def _without_secrets(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_secrets(item) for key, item in value.items() if not is_secret_key(str(key))}
    return [_without_secrets(item) for item in value] if isinstance(value, list) else value
