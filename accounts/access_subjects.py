"""Whom access control knows here: people and service clients. ``settings.ACCESS`` names these functions."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from accounts.access.errors import LastAdministrator
from accounts.access.known_permissions import USE, object_of
from accounts.access.permission_types import CHANGE_POLICIES, GRANT_ROLES
from accounts.access.services.compiling import Policy
from accounts.access.types import SubjectFacts
from accounts.models import User
from accounts.rules.subject_facts import CLIENT, USER, facts_of
from tokens.models import ServiceClient
from tokens.types import ServiceCaller

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
    found: list[SubjectFacts | None] = []
    if after < USER:
        clients = ServiceClient.objects.filter(is_enabled=True).order_by("pk")
        if after.startswith(CLIENT):
            clients = clients.filter(pk__gt=after.removeprefix(CLIENT))
        found += [_facts_of_client(client, at) for client in clients[:limit]]
    people = User.objects.present().filter(is_active=True).order_by("pk").defer("password")
    if after.startswith(USER):
        people = people.filter(pk__gt=after.removeprefix(USER))
    found += [facts_of(user, at) for user in people[: limit - len(found)]]
    return [facts for facts in found if facts is not None]


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
