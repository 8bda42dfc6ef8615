"""Authorize what one account does to another, in the transaction that does it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple
from uuid import UUID

from django.contrib.auth.hashers import is_password_usable
from django.db import transaction
from django.db.models import Exists, Q

from accounts import event_types, selectors
from accounts.errors import InsufficientPrivileges, LastAdministrator, NotAllowed, OwnAccount
from accounts.models import User
from accounts.rules.permissions import may
from accounts.rules.privileges import may_act_on
from security_events.services import recording
from security_events.types import NO_SUBJECT, Outcome
from tokens.users import subject_of


class LockedAccounts(NamedTuple):
    """The two accounts of an action as they are now. Their rows are locked until the transaction ends."""

    actor: User | None
    target: User


@contextmanager
def authorize(
    *,
    actor: User | None,
    target: User,
    action: str | None,
    removes_access: bool = False,
    on_others: bool = False,
) -> Iterator[LockedAccounts]:
    """Open a transaction in which one account may act on another.

    ``action`` is one of ``accounts.rules.permissions``, ``None`` for what users do to themselves. ``actor`` is ``None``
    at the command line, where everything is allowed. ``removes_access`` says that the target can't sign in afterwards,
    which is refused for the last administrator, whoever the actor is. ``on_others`` refuses it to the account itself.

    Both accounts are locked and read again, and all administrators too if they are counted, always in the order of
    their ids. Of two accounts that act on each other at the same time, the second one so sees what the first one did.
    A refusal is recorded after the rollback.

    Raises: NotAllowed, InsufficientPrivileges, OwnAccount, LastAdministrator.
    """
    with _refusals_recorded(actor=actor, target=target, action=action), transaction.atomic():
        rows = _lock_users(actor=actor, target=target, with_administrators=removes_access)
        locked_target = rows.get(target.pk, target)
        if actor is not None and action is not None:
            _require_permission(rows.get(actor.pk), target=locked_target, action=action)
            if on_others and actor.pk == target.pk:
                raise OwnAccount
        if removes_access and locked_target.is_superuser:
            _require_other_administrator(rows, target=locked_target)
        yield LockedAccounts(rows.get(actor.pk) if actor else None, locked_target)


@contextmanager
def authorize_creation(*, actor: User | None, actions: frozenset[str]) -> Iterator[None]:
    """Open a transaction in which an account may create another one; all ``actions`` are required.

    The actor is locked and read again. A refusal is recorded after the rollback.

    Raises: NotAllowed.
    """
    with _refusals_recorded(actor=actor, target=None, action="users:create"), transaction.atomic():
        if actor is not None:
            current = User.objects.filter(pk=actor.pk).select_for_update(no_key=True).first()
            if not all(may(current, action) for action in actions):
                raise NotAllowed
        yield


@contextmanager
def _refusals_recorded(*, actor: User | None, target: User | None, action: str | None) -> Iterator[None]:
    try:
        yield
    except NotAllowed as refusal:
        if actor is not None:
            recording.record(
                event_types.PERMISSION_DENIED,
                actor=subject_of(actor),
                target=subject_of(target) if target else NO_SUBJECT,
                outcome=Outcome.FAILURE,
                reasons=[*([action] if action else []), refusal.reason],
            )
        raise


def _lock_users(*, actor: User | None, target: User, with_administrators: bool) -> Mapping[UUID, User]:
    condition = Q(pk__in={target.pk, *([actor.pk] if actor else [])})
    if with_administrators:
        condition |= Q(Exists(User.objects.filter(pk=target.pk, is_superuser=True)), is_superuser=True)
    rows = User.objects.get_queryset().filter(condition).order_by("pk").select_for_update(no_key=True)
    return {row.pk: row for row in rows}


def _require_permission(actor: User | None, *, target: User, action: str) -> None:
    if actor is None or not may(actor, action, target):
        raise NotAllowed
    if not may_act_on(selectors.user_privileges(user=actor), selectors.user_privileges(user=target)):
        raise InsufficientPrivileges


def _require_other_administrator(rows: Mapping[UUID, User], *, target: User) -> None:
    others = [row for row in rows.values() if row.is_superuser and row.pk != target.pk and _is_active(row)]
    if _is_active(target) and not any(_can_sign_in(row) for row in others):
        raise LastAdministrator


def _is_active(user: User) -> bool:
    return user.is_active and user.deleted_at is None


def _can_sign_in(user: User) -> bool:
    return is_password_usable(user.password) or selectors.has_sign_in_method(user_id=user.pk)
