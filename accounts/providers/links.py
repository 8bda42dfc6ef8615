"""The accounts of providers that people are connected to: allauth's rows, with what we keep in them."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

from allauth.socialaccount.models import SocialAccount
from django.db.models import Q

from accounts.models import ProviderToken
from accounts.providers.identity import ProviderIdentity
from cedrina_base.uuids import uuid7
from security_events.masking import is_secret_key

_NOT_ASCII = r"[^\x01-\x7f]"


@dataclass(frozen=True, slots=True)
class Link:
    """One account of a provider, by the id that its owner knows it by."""

    id: UUID
    user_id: UUID
    provider: str
    uid: str
    name: str
    email: str
    created_at: datetime
    last_login_at: datetime
    # What the provider told of the person, without tokens that another application of allauth may have left in it.
    profile: dict[str, Any] = field(compare=False, repr=False)


def find(identity: ProviderIdentity) -> Link | None:
    """Return whose an account of a provider is, if anybody's here."""
    row = SocialAccount.objects.filter(provider=identity.provider, uid=identity.uid).first()
    return None if row is None else _link(row)


def of_user(user_id: UUID) -> list[Link]:
    """Return a person's accounts at providers, the oldest first."""
    return [_link(row) for row in SocialAccount.objects.filter(user_id=user_id).order_by("date_joined", "pk")]


def add(identity: ProviderIdentity, *, user_id: UUID, now: datetime) -> Link | None:
    """Connect an account of a provider to a person; ``None`` when somebody is connected to it already.

    The unique index decides, so that of simultaneous attempts one succeeds.
    """
    row, is_new = SocialAccount.objects.get_or_create(
        provider=identity.provider,
        uid=identity.uid,
        defaults={"user_id": user_id, "extra_data": {"id": str(uuid7()), **_shown(identity)}},
    )
    if not is_new:
        return None
    SocialAccount.objects.filter(pk=row.pk).update(date_joined=now, last_login=now)
    row.date_joined = row.last_login = now
    _keep_tokens(row, identity, now=now)
    return _link(row)


def touch(identity: ProviderIdentity, *, now: datetime) -> None:
    """Note a sign-in, with what the provider says of the person today."""
    row = SocialAccount.objects.filter(provider=identity.provider, uid=identity.uid).first()
    if row is None:
        return
    shown = {**row.extra_data, **{name: value for name, value in _shown(identity).items() if value}}
    SocialAccount.objects.filter(pk=row.pk).update(last_login=now, extra_data=shown)
    _keep_tokens(row, identity, now=now)


def remove(link: Link) -> bool:
    """Disconnect an account of a provider, its tokens with it; say whether it was there."""
    rows = [row for row in SocialAccount.objects.filter(user_id=link.user_id) if _link(row).id == link.id]
    for row in rows:
        row.delete()
    return bool(rows)


def remove_all(user_id: UUID, *, since: datetime | None = None) -> list[Link]:
    """Disconnect everything that a person is connected to, or was connected to since then; return what it was."""
    rows = SocialAccount.objects.filter(user_id=user_id)
    if since is not None:
        rows = rows.filter(date_joined__gte=since)
    gone = [_link(row) for row in rows]
    rows.delete()
    return gone


def _keep_tokens(row: SocialAccount, identity: ProviderIdentity, *, now: datetime) -> None:
    if identity.tokens is None:
        return
    kept = ProviderToken.objects.filter(account=row).first() or ProviderToken(account=row)
    kept.access_token = identity.tokens.access_token
    # A provider that gives no new one means that the old one goes on (RFC 6749, 6).
    kept.refresh_token = identity.tokens.refresh_token or kept.refresh_token or ""
    kept.expires_at = identity.tokens.expires_at
    kept.updated_at = now
    kept.save()


def _shown(identity: ProviderIdentity) -> dict[str, str]:
    return {"email": identity.email or "", "name": identity.name}


def _link(row: SocialAccount) -> Link:
    kept = row.extra_data if isinstance(row.extra_data, dict) else {}
    return Link(
        # Rows that another application of allauth's left have none of their own.
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


@dataclass(frozen=True, slots=True)
class ConnectedAddresses:
    """The address of an account, and the address that a provider reported for a connected account."""

    user_id: UUID
    username: str
    provider: str
    account_email: str
    provider_email: str


def with_non_ascii_address() -> list[ConnectedAddresses]:
    """Return the connections in which one of the two addresses contains other characters than ASCII."""
    rows = SocialAccount.objects.filter(Q(user__email__regex=_NOT_ASCII) | Q(extra_data__email__regex=_NOT_ASCII))
    return [
        ConnectedAddresses(row.user_id, row.user.username, row.provider, row.user.email, row.extra_data["email"])
        for row in rows.select_related("user").order_by("user_id", "pk")
        if isinstance(row.extra_data, dict) and row.extra_data.get("email")
    ]
