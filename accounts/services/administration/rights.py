"""Who may act on whom, decided in the transaction that acts."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from uuid import UUID

from django.contrib.auth.hashers import is_password_usable
from django.db import transaction
from django.db.models import Exists, Q

from accounts import event_types, selectors
from accounts.errors import LastAdministrator, MoreRights, NotAllowed
from accounts.models import User
from accounts.rules.decisions import may
from accounts.rules.ranks import may_act_on
from security_events.services import recording
from security_events.types import Outcome
from tokens.users import subject_of


@contextmanager
def acting(*, by: User | None, on: User, action: str | None, takes_rights: bool = False) -> Iterator[None]:
    """Open a transaction in which one account acts on another, if it may.

    ``action`` is one of ``accounts.rules.decisions``, ``None`` for what people do to themselves; ``by`` is ``None`` at
    the command line, whose operator has all rights. ``takes_rights`` says that the account loses what it may do: the
    last administrator keeps it, whoever asks. Both accounts are locked and read again, administrators too where they
    are counted, all in one order: of two who act on each other at the same moment the second one finds what the first
    one did. A refusal is recorded after all is undone.

    Raises: NotAllowed, MoreRights, LastAdministrator.
    """
    try:
        with transaction.atomic():
            rows = _locked(by=by, on=on, with_administrators=takes_rights)
            target = rows.get(on.pk, on)
            if by is not None and action is not None:
                _require_rights(rows.get(by.pk), on=target, action=action)
            if takes_rights and target.is_superuser:
                _require_another_administrator(rows, than=target)
            yield
    except NotAllowed as refusal:
        if by is not None:
            recording.record(
                event_types.PERMISSION_DENIED,
                actor=subject_of(by),
                target=subject_of(on),
                outcome=Outcome.FAILURE,
                reasons=[*([action] if action else []), refusal.reason],
            )
        raise


def _locked(*, by: User | None, on: User, with_administrators: bool) -> Mapping[UUID, User]:
    wanted = Q(pk__in={on.pk, *([by.pk] if by else [])})
    if with_administrators:
        wanted |= Q(Exists(User.objects.filter(pk=on.pk, is_superuser=True)), is_superuser=True)
    rows = User.objects.get_queryset().filter(wanted).order_by("pk").select_for_update(no_key=True)
    return {row.pk: row for row in rows}


def _require_rights(actor: User | None, *, on: User, action: str) -> None:
    if actor is None or not may(actor, action, on):
        raise NotAllowed
    if not may_act_on(selectors.rights_of(user=actor), selectors.rights_of(user=on)):
        raise MoreRights


def _require_another_administrator(rows: Mapping[UUID, User], *, than: User) -> None:
    others = [row for row in rows.values() if row.is_superuser and row.pk != than.pk and _is_open(row)]
    if _is_open(than) and not any(_has_way_in(row) for row in others):
        raise LastAdministrator


def _is_open(user: User) -> bool:
    return user.is_active and user.deleted_at is None


def _has_way_in(user: User) -> bool:
    return is_password_usable(user.password) or selectors.has_sign_in_method(user_id=user.pk)
