"""Whom access control knows here: people and service clients. ``settings.ACCESS`` names these functions."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import CharField, Model, Q, QuerySet, Value
from django.db.models.functions import Cast, Concat

from accounts.access.conf import ADMINISTRATOR
from accounts.access.errors import LastAdministrator
from accounts.access.known_permissions import USE, object_of
from accounts.access.models import RoleGrant
from accounts.access.permission_types import CHANGE_POLICIES, GRANT_ROLES
from accounts.access.services.compiling import Policy
from accounts.access.types import SubjectFacts
from accounts.models import User
from accounts.rules.subject_facts import CLIENT, USER, facts_of, user_id
from tokens.models import ServiceClient
from tokens.types import ServiceCaller

Row = TypeVar("Row", bound=Model)

_NEEDED = (CHANGE_POLICIES.name, GRANT_ROLES.name)
_HOURS = 7 * 24  # rules may have hours, which repeat each week


def find_subject(subject: str, at: datetime) -> SubjectFacts | None:
    """Return who ``user:<id>`` or ``client:<id>`` is; ``None`` if there is nobody, or the account is closed."""
    kind, _, key = subject.partition(":")
    try:
        subject_id = UUID(key)
    except ValueError:
        return None
    if kind == USER[:-1]:
        return facts_of(User.objects.present().filter(pk=subject_id).first(), at)
    if kind == CLIENT[:-1]:
        client = ServiceClient.objects.filter(pk=subject_id, is_enabled=True).first()
        return _facts_of_client(client, at) if client is not None else None
    return None


def existing_subjects(after: str, limit: int, at: datetime) -> Sequence[SubjectFacts]:
    """Return subjects by their names, those after ``after``: service clients, then people. Closed ones are left out."""
    clients = _clients(after, limit, at)
    return [*clients, *_people(Q(), after, limit - len(clients), at)]


def candidate_subjects(
    names: Collection[str], roles: Collection[str], after: str, limit: int, at: datetime
) -> Sequence[SubjectFacts]:
    """Return subjects that may be allowed something: all service clients, and people with a name or role of these."""
    held = RoleGrant.objects.filter(Q(expires_at=None) | Q(expires_at__gt=at), role__in=roles)
    is_candidate = Q(pk__in=[key for name in names if (key := user_id(name)) is not None])
    # As texts: a grant may name somebody who was never here.
    is_candidate |= Q(subject__in=held.values("subject"))
    if ADMINISTRATOR in roles:
        is_candidate |= Q(is_superuser=True)
    clients = _clients(after, limit, at)
    return [*clients, *_people(is_candidate, after, limit - len(clients), at)]


def _clients(after: str, limit: int, at: datetime) -> list[SubjectFacts]:
    clients = _after(ServiceClient.objects.filter(is_enabled=True), CLIENT, after)
    found = (_facts_of_client(client, at) for client in clients[:limit])
    return [facts for facts in found if facts is not None]


def _people(condition: Q, after: str, limit: int, at: datetime) -> list[SubjectFacts]:
    people = _after(User.objects.present().filter(is_active=True), USER, after).defer("password")
    found = (facts_of(user, at) for user in people.filter(condition)[:limit])
    return [facts for facts in found if facts is not None]


def _after(rows: QuerySet[Row], kind: str, after: str) -> QuerySet[Row]:
    """Return the rows whose subjects, ``kind`` and the key, follow a text: any text, since clients send it."""
    name = Concat(Value(kind), Cast("pk", CharField()))
    rows = rows.order_by("pk").annotate(subject=name)  # type: ignore[assignment]  # of the same model
    if after < kind:
        return rows
    if not after.startswith(kind):
        return rows.none()
    key = after.removeprefix(kind)
    try:
        return rows.filter(pk__gt=UUID(key)) if key else rows
    except ValueError:  # no cursor that was given out
        return rows.none()


def require_administrator(policy: Policy, at: datetime) -> None:
    """Require that an administrator could still change the policy and give roles, at any hour of the week.

    What a rule may depend on besides, such as the network, counts as if it were against them. Nothing is required while
    there is no administrator at all.

    Raises: LastAdministrator.
    """
    people = list(User.objects.present().filter(is_superuser=True, is_active=True).defer("password"))
    hours = [at + timedelta(hours=number) for number in range(_HOURS)]
    if people and not any(_always_may(policy, facts_of(user, at), hours) for user in people):
        raise LastAdministrator


def _always_may(policy: Policy, facts: SubjectFacts | None, hours: Sequence[datetime]) -> bool:
    return facts is not None and all(
        policy.decide(
            subject=facts.subject,
            roles=facts.roles,
            object_path=object_of(name),
            action=USE,
            attributes={"subject": facts.attributes},
            at=at,
        ).is_allowed
        for at in hours
        for name in _NEEDED
    )


def _facts_of_client(client: Any, at: datetime) -> SubjectFacts | None:
    return facts_of(ServiceCaller(client.pk, client.name, frozenset(client.scopes)), at)
