"""Authorize what one account does to another, in the transaction that does it."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import transaction

from accounts import access_subjects, event_types
from accounts.access import selectors as access_selectors
from accounts.access.deciding.privileges import Holder
from accounts.access.services import active_policy, privilege_order
from accounts.access.services.decisions import may
from accounts.errors import InsufficientPrivileges, LastAdministrator, NotAllowed, OwnAccount
from accounts.models import User
from accounts.rules.subject_facts import USER, context_of, holder_of, holder_of_client
from cedrina_base import database_clock
from security_events.services import recording
from security_events.types import NO_SUBJECT, Outcome, Subject
from tokens.errors import ServiceClientChanged, ServiceClientNotFound
from tokens.models import ServiceClient
from tokens.users import subject_of


class LockedAccounts(NamedTuple):
    """The two accounts of an action as they are now. Their rows are locked until the transaction ends."""

    actor: User | None
    target: User


class LockedClient(NamedTuple):
    """A service client and who changes it, as they are now. Their rows are locked until the transaction ends."""

    actor: User | None
    client: ServiceClient


@contextmanager
def authorize(
    *,
    actor: User | None,
    target: User,
    action: str | None,
    removes_access: bool = False,
    changes_roles: bool = False,
    on_others: bool = False,
) -> Iterator[LockedAccounts]:
    """Open a transaction in which one account may act on another.

    ``action`` is a permission, ``None`` for what users do to themselves. ``actor`` is ``None`` at the command line,
    where everything is allowed. ``removes_access`` says that the target can't sign in afterwards, which is refused for
    the last administrator, whoever the actor is. ``changes_roles``: the caller changes what the target may do.
    ``on_others`` refuses it to the account itself.

    Both accounts are locked and read again, always in the order of their ids. Of two accounts that act on each other at
    the same time, the second one so sees what the first one did. Who may be an administrator afterwards is decided
    under the lock of the policy, which is taken before: two administrators who remove each other take turns. A refusal
    is recorded after the rollback.

    Raises: NotAllowed, InsufficientPrivileges, OwnAccount, LastAdministrator.
    """
    with _refusals_recorded(actor=actor, target=subject_of(target), action=action), transaction.atomic():
        if removes_access or changes_roles:
            access_selectors.locked_head()
        rows = _lock_users(actor=actor, target=target)
        locked_target = rows.get(target.pk, target)
        if actor is not None and action is not None:
            _require_permission(
                rows.get(actor.pk), given=actor, target=holder_of(locked_target), action=action, at=database_clock.now()
            )
            if on_others and actor.pk == target.pk:
                raise OwnAccount
        if removes_access:
            _require_other_administrator(target=locked_target)
        yield LockedAccounts(rows.get(actor.pk) if actor else None, locked_target)


@contextmanager
def authorize_creation(*, actor: User | None, actions: frozenset[str]) -> Iterator[None]:
    """Open a transaction in which an account may create another one; all ``actions`` are required.

    The actor is locked and read again. A refusal is recorded after the rollback.

    Raises: NotAllowed.
    """
    with _refusals_recorded(actor=actor, target=NO_SUBJECT, action="users:create"), transaction.atomic():
        if actor is not None:
            current = User.objects.filter(pk=actor.pk).select_for_update(no_key=True).first()
            if not all(may(current, action, context=context_of(actor)) for action in actions):
                raise NotAllowed
        yield


@contextmanager
def authorize_on_client(
    *, actor: User | None, client_id: UUID, versions: Collection[int] | None, action: str, now: datetime
) -> Iterator[LockedClient]:
    """Open a transaction in which an account may change what a service client may do.

    ``versions`` are those of the client that the actor has read, ``None`` for any. The client, the policy and the actor
    are locked in this order: a client that is deleted meanwhile is locked before the policy, too.

    Raises: ServiceClientNotFound and ServiceClientChanged of ``tokens``; NotAllowed, InsufficientPrivileges.
    """
    target = Subject(str(client_id))
    with _refusals_recorded(actor=actor, target=target, action=action), transaction.atomic():
        client = ServiceClient.objects.select_for_update(no_key=True).filter(pk=client_id).first()
        if client is None:
            raise ServiceClientNotFound
        if versions is not None and client.version not in versions:
            raise ServiceClientChanged
        access_selectors.locked_head()
        locked = None
        if actor is not None:
            locked = User.objects.filter(pk=actor.pk).select_for_update(no_key=True).first()
            _require_permission(locked, given=actor, target=holder_of_client(client), action=action, at=now)
        yield LockedClient(locked, client)


@contextmanager
def _refusals_recorded(*, actor: User | None, target: Subject, action: str | None) -> Iterator[None]:
    try:
        yield
    except NotAllowed as refusal:
        if actor is not None:
            recording.record(
                event_types.PERMISSION_DENIED,
                actor=subject_of(actor),
                target=target,
                outcome=Outcome.FAILURE,
                reasons=[*([action] if action else []), refusal.reason],
            )
        raise


def _lock_users(*, actor: User | None, target: User) -> Mapping[UUID, User]:
    keys = {target.pk, *([actor.pk] if actor else [])}
    rows = User.objects.get_queryset().filter(pk__in=keys).order_by("pk").select_for_update(no_key=True)
    return {row.pk: row for row in rows}


def _require_permission(actor: User | None, *, given: User, target: Holder, action: str, at: datetime) -> None:
    """Require the permission by the row that is locked. What is known about the request is on its user, ``given``."""
    active_policy.refresh()  # a right that was taken a second ago in another process must not be used any more
    context = context_of(given)
    if actor is None or not may(actor, action, context=context, at=at):
        raise NotAllowed
    acting = holder_of(actor, context)
    if acting.subject != target.subject and not privilege_order.current().may_act_on(acting, target, at=at):
        raise InsufficientPrivileges


def _require_other_administrator(*, target: User) -> None:
    is_named = bool(target.role_grants) or access_selectors.has_rule(subject=f"{USER}{target.pk}")
    if not is_named or not target.is_active or target.deleted_at is not None:
        return
    active_policy.refresh()
    administrators = list(access_subjects.administrators(active_policy.current(), database_clock.now()))
    others = [user for user in administrators if user.pk != target.pk]
    if len(others) < len(administrators) and not any(map(access_subjects.can_sign_in, others)):
        raise LastAdministrator
