"""Whom access control knows here: people and service clients. ``settings.ACCESS`` names these functions."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from django.contrib.auth.hashers import is_password_usable
from django.db.models import CharField, Model, Q, QuerySet, Value
from django.db.models.functions import Cast, Concat

from accounts import selectors
from accounts.access.conf import ADMINISTRATOR
from accounts.access.errors import LastAdministrator
from accounts.access.models import RoleGrant
from accounts.access.services import active_policy, privilege_order
from accounts.access.services import administrators as administering
from accounts.access.services.compiling import Policy
from accounts.access.types import SubjectFacts
from accounts.identifiers.names import is_held
from accounts.models import User
from accounts.rules import subject_facts
from accounts.rules.subject_facts import CLIENT, USER, attributes_of, facts_of, holder_of
from cedrina_base import database_clock
from cedrina_base.prepared_statements import prepared_cursor, run_frequent
from tokens.models import ServiceClient
from tokens.types import ServiceCaller

Row = TypeVar("Row", bound=Model)


# All that decisions need of people; reading whole rows as models takes three times as long.
_READ_PEOPLE = """
    SELECT id, department, location, tier, email_confirmed_at, email_folded, role_grants
    FROM accounts_user
    WHERE id = ANY(%(ids)s) AND is_active AND deleted_at IS NULL
"""
# Most questions are about one person. psycopg takes 40 µs to write a list.
_READ_PERSON = """
    SELECT id, department, location, tier, email_confirmed_at, email_folded, role_grants
    FROM accounts_user
    WHERE id = %(id)s AND is_active AND deleted_at IS NULL
"""


class _PersonRow(NamedTuple):
    """What ``_READ_PEOPLE`` reads, by the names that a user has."""

    pk: UUID
    department: str
    location: str
    tier: str
    email_confirmed_at: datetime | None
    email_folded: str
    role_grants: str
    is_active: bool = True

    @property
    def is_email_confirmed(self) -> bool:
        """As ``User.is_email_confirmed``."""
        return self.email_confirmed_at is not None and not is_held(self.email_folded)


def find_subject(subject: str, at: datetime) -> SubjectFacts | None:
    """Return who ``user:<id>`` or ``client:<id>`` is; ``None`` if there is nobody, or the account is closed."""
    meant = _meant(subject)
    if meant is None or meant[0] != USER:
        return find_subjects([subject], at).get(subject)
    rows = _rows_of([meant[1]])
    return facts_of(_PersonRow(*rows[0]), at) if rows else None


def find_subjects(names: Collection[str], at: datetime) -> Mapping[str, SubjectFacts]:
    """Return those of some people and service clients who exist, by their names: in one query for each kind."""
    # A key may be written in several ways; it is the same subject.
    meant = {name: subject for name in names if (subject := _meant(name)) is not None}
    people = [key for kind, key in meant.values() if kind == USER]
    clients = [key for kind, key in meant.values() if kind == CLIENT]
    found: list[SubjectFacts | None] = []
    if people:
        found += [facts_of(_PersonRow(*row), at) for row in _rows_of(people)]
    if clients:
        found += [_facts_of_client(each, at) for each in ServiceClient.objects.filter(pk__in=clients, is_enabled=True)]
    by_name = {facts.subject: facts for facts in found if facts is not None}
    return {name: by_name[known] for name, (kind, key) in meant.items() if (known := f"{kind}{key}") in by_name}


def _rows_of(people: list[UUID]) -> list[tuple[Any, ...]]:
    if len(people) == 1:
        return run_frequent(_READ_PERSON, {"id": people[0]})
    with prepared_cursor() as cursor:
        cursor.execute(_READ_PEOPLE, {"ids": people})
        return list(cursor.fetchall())


def _meant(name: str) -> tuple[str, UUID] | None:
    """Return the kind and the key of a subject; ``None`` for what can be nobody."""
    kind, _, key = name.partition(":")
    try:
        return f"{kind}:", UUID(key)
    except ValueError:
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
    is_candidate = Q(pk__in=[key for name in names if (key := subject_facts.user_id(name)) is not None])
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


def may_act_as_client(user: Any, client: ServiceClient) -> bool:
    """Return whether somebody may do all that a client may do by its roles and the rules about it, as of now.

    For ``TOKENS["MAY_ACT_AS_CLIENT"]``: otherwise whoever may rotate a secret would have what its client has.
    """
    acting = subject_facts.holder_of(user, subject_facts.context_of(user))
    client_holder = subject_facts.holder_of_client(client)
    return privilege_order.current().may_act_as(acting, client_holder, at=database_clock.now())


def _facts_of_client(client: Any, at: datetime) -> SubjectFacts | None:
    return facts_of(ServiceCaller(client.pk, client.name, frozenset(client.scopes), client.role_grants), at)
