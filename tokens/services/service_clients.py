"""Register, change and delete service clients. Every change has an author and a reason, and records an event.

An operator may neither give a scope that they lack nor get the credentials of a client that may do more than they:
otherwise the permission to register clients would be every permission. Each function asks ``Operator`` about it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db import IntegrityError, transaction

from security_events.catalogue import EventType
from security_events.services import recording
from security_events.types import Subject
from tokens import event_types, signals
from tokens.conf import token_settings
from tokens.errors import (
    ScopeNotGrantable,
    ServiceClientChanged,
    ServiceClientNameTaken,
    ServiceClientNotFound,
)
from tokens.models import ClientAuthenticationMethod, ServiceClient, ServiceClientSecret
from tokens.service_clients.members import validate_rotation, validated_members
from tokens.service_clients.secrets import mint_client_secret
from tokens.users import subject_of

MAX_OVERLAP = timedelta(days=30)
# Changes of these make earlier tokens worthless: whoever had the old key must not go on with what they got by it.
_CREDENTIALS = frozenset({"authentication_method", "jwks"})


@dataclass(frozen=True, slots=True)
class Operator:
    """Who changes a service client and why.

    ``may_grant`` says which scopes they may give, ``may_act_as`` of which clients they may get the credentials.
    """

    subject: Subject
    reason: str
    may_grant: Callable[[str], bool]
    may_act_as: Callable[[ServiceClient], bool]


class RegisteredClient(NamedTuple):
    """A client, and its new secret: ``None`` if it authenticates by a key of its own. The secret is stored nowhere."""

    client: ServiceClient
    secret: str | None


def everything(_scope: str) -> bool:
    """For ``Operator.may_grant``: whoever has a shell on the server may give every scope."""
    return True


def everybody(_client: ServiceClient) -> bool:
    """For ``Operator.may_act_as``, as above."""
    return True


def operator_of(user: Any, *, reason: str) -> Operator:
    """Return a signed-in person as an operator, by what the project's settings say that they may do."""

    def may_grant(scope: str) -> bool:
        return token_settings.MAY(user, scope)

    def may_act_as(client: ServiceClient) -> bool:
        return token_settings.MAY_ACT_AS_CLIENT(user, client)

    return Operator(subject=subject_of(user), reason=reason, may_grant=may_grant, may_act_as=may_act_as)


def register(*, members: Mapping[str, Any], operator: Operator, now: datetime) -> RegisteredClient:
    """Store a new client. ``members`` are name, description, scopes, authentication_method and jwks.

    Raises: ServiceClientInvalid, ServiceClientNameTaken, ScopeNotGrantable.
    """
    values = validated_members(members)
    _require_grantable(values["scopes"], operator)
    with transaction.atomic():
        client = ServiceClient(**values, created_at=now, updated_at=now, created_by=operator.subject.id)
        _save(client, is_new=True)
        secret = _add_secret(client, now=now) if _has_secret(client) else None
        data = {"scopes": client.scopes, "authentication_method": client.authentication_method}
        _record(event_types.SERVICE_CLIENT_CREATED, client, operator, data, now=now)
    return RegisteredClient(client, secret)


def change(
    *,
    client_id: UUID,
    members: Mapping[str, Any],
    is_enabled: bool | None = None,
    versions: frozenset[int] | None = None,
    operator: Operator,
    now: datetime,
) -> RegisteredClient:
    """Change members of a client; those left out stay. ``versions`` are those that the operator has read.

    A client that now authenticates by a secret gets one; one that no longer does loses its secrets. A disabled client
    is refused, and so are its access tokens. They stay refused when it is enabled again, and when its way of
    authentication or its keys change.

    Raises: ServiceClientNotFound, ServiceClientChanged, ServiceClientInvalid, ServiceClientNameTaken,
    ScopeNotGrantable.
    """
    with transaction.atomic():
        client = _lock(client_id, versions)
        before = _members_of(client)
        values = validated_members(_merged(before, members)) if members else before
        changed = sorted(name for name in values if values[name] != before[name])
        is_switched = is_enabled not in (None, client.is_enabled)
        is_enabled_now = is_switched and bool(is_enabled)
        _require_grantable(_gained_scopes(before, values, changed, is_enabled_now), operator)
        if is_enabled_now or _CREDENTIALS & set(changed):
            _require_own(client, operator)
        for name in changed:
            setattr(client, name, values[name])
        if _CREDENTIALS & set(changed) or (is_switched and not is_enabled):
            client.token_generation += 1
        if is_switched:
            client.is_enabled = bool(is_enabled)
        if changed or is_switched:
            _save(client, now=now)
        secret = _exchange_credentials(client, now=now) if "authentication_method" in changed else None
        if changed:
            data = {"changed": changed, "scopes": client.scopes}
            _record(event_types.SERVICE_CLIENT_CHANGED, client, operator, data, now=now)
        if is_switched:
            switched = (event_types.SERVICE_CLIENT_DISABLED, event_types.SERVICE_CLIENT_ENABLED)[client.is_enabled]
            _record(switched, client, operator, {}, now=now)
    return RegisteredClient(client, secret)


def rotate_secret(*, client_id: UUID, overlap: timedelta, operator: Operator, now: datetime) -> RegisteredClient:
    """Give a client a new secret. The one before is accepted for ``overlap`` more, so that it can be replaced calmly.

    Older ones end at once, so at most two are accepted. Without overlap, access tokens issued before are refused, too.

    Raises: ServiceClientNotFound, ServiceClientInvalid, ScopeNotGrantable.
    """
    with transaction.atomic():
        client = _lock(client_id)
        validate_rotation(authentication_method=client.authentication_method, overlap=overlap, longest=MAX_OVERLAP)
        _require_grantable(client.scopes, operator)
        _require_own(client, operator)
        latest = client.secrets.order_by("-pk").values_list("pk", flat=True).first()
        client.secrets.exclude(pk__in=[latest]).delete()
        client.secrets.filter(expires_at__isnull=True).update(expires_at=now + overlap)
        client.secrets.filter(expires_at__lte=now).delete()
        if not overlap:
            client.token_generation += 1
        _save(client, now=now)
        secret = _add_secret(client, now=now)
        data = {"overlap_seconds": int(overlap.total_seconds())}
        _record(event_types.SERVICE_CLIENT_SECRET_ROTATED, client, operator, data, now=now)
    return RegisteredClient(client, secret)


def delete(*, client_id: UUID, versions: frozenset[int] | None = None, operator: Operator, now: datetime) -> None:
    """Delete a client with its secrets. Its access tokens are refused from then on.

    Raises: ServiceClientNotFound, ServiceClientChanged.
    """
    with transaction.atomic():
        client = _lock(client_id, versions)
        _record(event_types.SERVICE_CLIENT_DELETED, client, operator, {}, now=now)
        signals.service_client_deleted.send(
            None, client_id=client.pk, actor=operator.subject, reason=operator.reason, now=now
        )
        client.delete()


def _lock(client_id: UUID, versions: frozenset[int] | None = None) -> ServiceClient:
    client = ServiceClient.objects.select_for_update().filter(pk=client_id).first()
    if client is None:
        raise ServiceClientNotFound
    if versions is not None and client.version not in versions:
        raise ServiceClientChanged
    return client


def _members_of(client: ServiceClient) -> dict[str, Any]:
    names = ("name", "description", "scopes", "authentication_method", "jwks")
    return {name: getattr(client, name) for name in names}


def _merged(before: Mapping[str, Any], members: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members after a change. A client that gets a secret loses its keys without being told to."""
    merged = {**before, **members}
    gets_secret = members.get("authentication_method") == ClientAuthenticationMethod.CLIENT_SECRET
    return {**merged, "jwks": None} if gets_secret and "jwks" not in members else merged


def _gained_scopes(
    before: Mapping[str, Any], after: Mapping[str, Any], changed: list[str], is_enabled_now: bool
) -> set[str]:
    """Return the scopes that somebody can use after a change and could not use before.

    With new keys or a client that is enabled, these are all of its scopes.
    """
    scopes = set(after["scopes"])
    return scopes if is_enabled_now or _CREDENTIALS & set(changed) else scopes - set(before["scopes"])


def _require_grantable(scopes: Any, operator: Operator) -> None:
    if not all(operator.may_grant(scope) for scope in scopes):
        raise ScopeNotGrantable


def _require_own(client: ServiceClient, operator: Operator) -> None:
    if not operator.may_act_as(client):
        raise ScopeNotGrantable


def _has_secret(client: ServiceClient) -> bool:
    return client.authentication_method == ClientAuthenticationMethod.CLIENT_SECRET


def _exchange_credentials(client: ServiceClient, *, now: datetime) -> str | None:
    client.secrets.all().delete()
    return _add_secret(client, now=now) if _has_secret(client) else None


def _add_secret(client: ServiceClient, *, now: datetime) -> str:
    secret, digest = mint_client_secret()
    ServiceClientSecret.objects.create(client=client, digest=digest, created_at=now)
    return secret


def _save(client: ServiceClient, *, is_new: bool = False, now: datetime | None = None) -> None:
    """Store a client; of an existing one all but ``last_used_at``, which requests write meanwhile."""
    fields = None
    if not is_new:
        client.version += 1
        client.updated_at = now or client.updated_at
        fields = [*_members_of(client), "is_enabled", "token_generation", "version", "updated_at"]
    try:
        with transaction.atomic():
            client.save(force_insert=is_new, update_fields=fields)
    except IntegrityError as error:
        raise ServiceClientNameTaken from error


def _record(
    event_type: EventType, client: ServiceClient, operator: Operator, data: Mapping[str, Any], *, now: datetime
) -> None:
    recording.record(
        event_type,
        actor=operator.subject,
        target=Subject(id=str(client.pk), name=client.name),
        data={**data, "note": operator.reason},
        now=now,
    )
