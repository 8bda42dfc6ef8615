"""The accounts at providers that users are connected to, in allauth's ``SocialAccount``.

``extra_data`` holds our id of the connection, and the name and the address that the provider reported last.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import NAMESPACE_OID, UUID, uuid5

from allauth.socialaccount.models import SocialAccount
from django.db.models import Q

from accounts.models import ProviderToken
from accounts.providers.identity import ProviderIdentity
from cedrina_base.uuids import uuid7
from security_events.masking import is_secret_key


@dataclass(frozen=True, slots=True)
class SocialLink:
    """One connected account at a provider. ``id`` is ours and is shown to its owner."""

    id: UUID
    user_id: UUID
    provider: str
    uid: str
    name: str
    email: str
    created_at: datetime
    last_login_at: datetime
    # What the provider reported of the person, without tokens that other applications of allauth store in it.
    profile: dict[str, Any] = field(compare=False, repr=False)


class LinkAddresses(NamedTuple):
    """The address of a user, and the address that a connected provider reported."""

    user_id: UUID
    username: str
    provider: str
    stored: str
    reported: str | None


def find(identity: ProviderIdentity) -> SocialLink | None:
    """Return the connection of an account at a provider; ``None`` when no user is connected to it."""
    row = SocialAccount.objects.filter(provider=identity.provider, uid=identity.uid).first()
    return None if row is None else _link(row)


def list_links(user_id: UUID) -> list[SocialLink]:
    """Return a user's accounts at providers, the oldest first."""
    return [_link(row) for row in SocialAccount.objects.filter(user_id=user_id).order_by("date_joined", "pk")]


def add(identity: ProviderIdentity, *, user_id: UUID, now: datetime) -> SocialLink | None:
    """Connect an account at a provider to a user; ``None`` when any user is connected to it already.

    The unique index decides, so that of simultaneous attempts one succeeds.
    """
    row, is_new = SocialAccount.objects.get_or_create(
        provider=identity.provider,
        uid=identity.uid,
        defaults={"user_id": user_id, "extra_data": {"id": str(uuid7()), **_reported(identity)}},
    )
    if not is_new:
        return None
    SocialAccount.objects.filter(pk=row.pk).update(date_joined=now, last_login=now)
    row.date_joined = row.last_login = now
    _store_tokens(row, identity, now=now)
    return _link(row)


def record_sign_in(identity: ProviderIdentity, *, now: datetime) -> None:
    """Store the time of a sign-in, and what the provider reports of the person now."""
    row = SocialAccount.objects.filter(provider=identity.provider, uid=identity.uid).first()
    if row is None:
        return
    reported = {**row.extra_data, **{name: value for name, value in _reported(identity).items() if value}}
    SocialAccount.objects.filter(pk=row.pk).update(last_login=now, extra_data=reported)
    _store_tokens(row, identity, now=now)


def list_addresses_matching(pattern: str) -> list[LinkAddresses]:
    """Return the links where the stored or the reported address matches a regular expression, ordered by user."""
    rows = SocialAccount.objects.filter(Q(user__email__regex=pattern) | Q(extra_data__email__regex=pattern))
    fields = ("user_id", "user__username", "provider", "user__email", "extra_data__email")
    return [LinkAddresses._make(row) for row in rows.order_by("user_id", "pk").values_list(*fields)]


def remove(link: SocialLink) -> bool:
    """Delete a connection with its tokens; ``False`` when there was none."""
    rows = [row for row in SocialAccount.objects.filter(user_id=link.user_id) if _link(row).id == link.id]
    for row in rows:
        row.delete()
    return bool(rows)


def remove_all(user_id: UUID, *, since: datetime | None = None) -> list[SocialLink]:
    """Delete all connections of a user, or those made at ``since`` or later; return them."""
    rows = SocialAccount.objects.filter(user_id=user_id)
    if since is not None:
        rows = rows.filter(date_joined__gte=since)
    removed = [_link(row) for row in rows]
    rows.delete()
    return removed


def _store_tokens(row: SocialAccount, identity: ProviderIdentity, *, now: datetime) -> None:
    if identity.tokens is None:
        return
    kept = ProviderToken.objects.filter(account=row).first() or ProviderToken(account=row)
    kept.access_token = identity.tokens.access_token
    # Without a new refresh token the old one stays valid (RFC 6749, 6).
    kept.refresh_token = identity.tokens.refresh_token or kept.refresh_token or ""
    kept.expires_at = identity.tokens.expires_at
    kept.updated_at = now
    kept.save()


def _reported(identity: ProviderIdentity) -> dict[str, str]:
    return {"email": identity.email or "", "name": identity.name}


def _link(row: SocialAccount) -> SocialLink:
    kept = row.extra_data if isinstance(row.extra_data, dict) else {}
    return SocialLink(
        # Rows of other applications of allauth have no id of ours.
        id=UUID(kept["id"]) if "id" in kept else uuid5(NAMESPACE_OID, f"socialaccount:{row.pk}"),
        user_id=row.user_id,
        provider=row.provider,
        uid=row.uid,
        name=kept.get("name", ""),
        email=kept.get("email", ""),
        created_at=row.date_joined,
        last_login_at=row.last_login,
        profile=_without_secrets(kept),
    )


def _without_secrets(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_secrets(item) for key, item in value.items() if not is_secret_key(str(key))}
    return [_without_secrets(item) for item in value] if isinstance(value, list) else value
