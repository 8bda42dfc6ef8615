"""Whom access control knows here: people and service clients. ``settings.ACCESS`` names these functions."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.hashers import is_password_usable

from accounts import selectors
from accounts.access.errors import LastAdministrator
from accounts.access.services import active_policy
from accounts.access.services import administrators as administering
from accounts.access.services.compiling import Policy
from accounts.access.types import SubjectFacts
from accounts.models import User
from accounts.rules import subject_facts
from accounts.rules.subject_facts import CLIENT, USER, attributes_of, facts_of, holder_of
from tokens.models import ServiceClient
from tokens.types import ServiceCaller


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
    """Require that a person who can sign in may always change the policy and give roles, and without an end.

    Nothing is required that was not so before: a new installation has no administrator, and a broken policy must be
    mended step by step.

    Raises: LastAdministrator.
    """
    if any(map(can_sign_in, administrators(policy, at))):
        return
    # ``policy_change`` compared the policy before anything was changed; the roles in people's rows follow it, too.
    former = [user for user in _with_roles() if _was_administrator(active_policy.current(), user, at)]
    if any(map(can_sign_in, former)) or (former and next(administrators(policy, at), None) is None):
        raise LastAdministrator


def administrators(policy: Policy, at: datetime) -> Iterator[User]:
    """Return the people who may always administer access, by the grants as they are stored."""
    instants = administering.instants_to_look_at(at)
    for subject in administering.candidates():
        user_id = subject_facts.user_id(subject)
        user = User.objects.present().filter(pk=user_id, is_active=True).first() if user_id else None
        if user is not None and administering.may_administer(
            policy,
            subject=subject,
            roles=administering.roles_without_end(subject),
            attributes=attributes_of(user),
            instants=instants,
        ):
            yield user


def can_sign_in(user: User) -> bool:
    """Return whether a person has any way to sign in."""
    return is_password_usable(user.password) or selectors.has_sign_in_method(user_id=user.pk)


def _with_roles() -> Iterable[User]:
    """Return the people whose row says that they have roles, as it was before the change that is looked at."""
    return User.objects.present().filter(is_active=True).exclude(role_grants="").order_by("pk").iterator(chunk_size=100)


def _was_administrator(policy: Policy, user: User, at: datetime) -> bool:
    return administering.may_administer(
        policy,
        subject=f"{USER}{user.pk}",
        roles=holder_of(user).endless_roles(),
        attributes=attributes_of(user),
        instants=[at],
    )


def _facts_of_client(client: Any, at: datetime) -> SubjectFacts | None:
    return facts_of(ServiceCaller(client.pk, client.name, frozenset(client.scopes)), at)
