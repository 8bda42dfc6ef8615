"""The policy in force in this process. Each process compares its version with the database about once a second.

The database is the truth. A notification (``pg_notify``) only makes a process look earlier, and a lost one costs a
second. A policy that could not be compared for ``MAX_STALENESS`` is not used any more: everything is denied then. The
thread that compares is that of ``cedrina_base.database_watch``; the first decision of a process starts it.
"""

import logging
import os
import threading
import time
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.core.exceptions import ObjectDoesNotExist
from django.core.signals import setting_changed
from django.db import DatabaseError, InterfaceError, connection, transaction

from accounts.access import policy_reads, selectors
from accounts.access.conf import access_settings
from accounts.access.errors import PolicyUnavailable
from accounts.access.selectors import Documents, Head
from accounts.access.services.compiling import NoPolicy, Policy, changed_policy, compile_policy, renumbered
from accounts.access.services.shadow import running
from accounts.access.types import ChangeKind
from cedrina_base import database_watch

CHANNEL = "access_policy"
_ATTEMPTS = 5  # to read rules and roles of one version while others change them
_MOST_VERSIONS = 50  # that are followed one by one
_POLL_SECONDS = 0.05
_MOST_WAITING = 8  # threads of a process that wait for a version at a time
_RETRY_SECONDS = 1.0  # after a failed comparison, during which requests do not try again

log = logging.getLogger(__name__)


class _Compared(NamedTuple):
    """A policy, the version in force when it was last compared with the database, and when, by the monotonic clock."""

    policy: Policy
    head: Head
    at: float


class MadePolicy(NamedTuple):
    """A policy that a change has made, and the id that its rules have once it is committed."""

    policy: Policy
    rules_id: UUID


class _ProcessState:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.reading = threading.Lock()  # held while rules are read and compiled
        self.compared: _Compared | None = None
        self.failed_at = float("-inf")
        self.waiting = threading.BoundedSemaphore(_MOST_WAITING)


_state = _ProcessState()
_NO_POLICY = NoPolicy(version=0)


def current() -> Policy:
    """Return the policy in force: without a query, if this process has compared it lately.

    A policy that can't be read, or is older than ``MAX_STALENESS`` and can't be compared, is replaced by one that
    denies everything.
    """
    compared = _state.compared
    if compared is not None and time.monotonic() - compared.at < access_settings.MAX_STALENESS.total_seconds():
        return compared.policy
    database_watch.start()
    if time.monotonic() - _state.failed_at < _RETRY_SECONDS:
        return _NO_POLICY
    try:
        refresh()
    except (DatabaseError, InterfaceError, ObjectDoesNotExist) as error:
        _state.failed_at = time.monotonic()
        # Outside of requests nobody else replaces a connection that is dead. Inside of a transaction this does nothing.
        connection.close_if_unusable_or_obsolete()
        log.error("access_policy_too_old: %s", type(error).__name__)  # noqa: TRY400 - a traceback would add nothing
        return _NO_POLICY
    compared = _state.compared
    return compared.policy if compared is not None else _NO_POLICY


def refresh(*, made: "MadePolicy | None" = None) -> int:
    """Compare the version with the database, read the policy if it changed; return the version now in force here.

    A policy with a mistake is no policy: it is logged, and everything is denied until it is corrected. ``made`` is what
    a change of this process has compiled before it was committed: if it is in force, it is not read again.
    """
    began = time.monotonic()
    head = selectors.head()
    running.follow(head.shadow_id)
    found: Policy | None
    if made is not None and made.rules_id == head.rules_id:
        found = made.policy if made.policy.version == head.version else renumbered(made.policy, head.version)
        policy_reads.of_policy(found)  # so that no request has to find it out
    elif (found := _same_rules(head)) is None:
        with _state.reading:  # one thread reads what all have found to be new
            if (found := _same_rules(head)) is None and (found := _changed(head)) is None:
                found, head = _read()
    _keep(_Compared(found, head, began))
    return head.version


def _same_rules(head: Head) -> Policy | None:
    """Return the policy that is known, if it has the rules of ``head``, under the version of ``head``."""
    known = _state.compared
    if known is None or known.head.rules_id != head.rules_id:
        return None
    # Another version of the same rules: only grants were changed.
    return known.policy if known.head.version == head.version else renumbered(known.policy, head.version)


def _changed(head: Head) -> Policy | None:
    """Return the policy that is known, with the changes since then, if these lead from its rules to those of ``head``.

    Rows that were changed by hand, or came back from a backup, have no such way: all rules are read then.
    """
    known = _state.compared
    if known is None or not known.head.version < head.version <= known.head.version + _MOST_VERSIONS:
        return None
    rules_id: UUID | None = known.head.rules_id
    changes: list[dict[str, Any]] = []
    for before, after, some in selectors.changes_of_rules(
        after=known.head.version, until=head.version, limit=_MOST_VERSIONS
    ):
        if before != rules_id:
            return None
        rules_id = after
        changes += some
    if rules_id != head.rules_id:
        return None
    are_roles_changed = any(change["kind"] == ChangeKind.ROLE for change in changes)
    roles = selectors.all_roles() if are_roles_changed else None
    if roles is not None and selectors.head().rules_id != head.rules_id:
        return None  # roles of a later version
    rules = {change["key"]: change["after"] for change in changes if change["kind"] == ChangeKind.RULE}
    try:
        policy = changed_policy(known.policy, rules=rules, roles=roles, version=head.version)
    except Exception:  # noqa: BLE001 - whatever is wrong with a stored change: all rules are read, and a mistake is logged
        return None
    if policy is not None:
        policy_reads.of_policy(policy)  # so that no request has to find it out
    return policy


def with_rules(rules_id: UUID) -> Policy | None:
    """Return the policy that this process knows, without a query, if it has the rules of this id."""
    known = _state.compared
    return known.policy if known is not None and known.head.rules_id == rules_id else None


def version() -> int:
    """Return the version that this process decides by, without a query; 0 if it knows none."""
    compared = _state.compared
    return compared.head.version if compared is not None else 0


def age() -> timedelta | None:
    """Return how long ago the policy was compared with the database; ``None`` if it never was."""
    compared = _state.compared
    return None if compared is None else timedelta(seconds=time.monotonic() - compared.at)


def at_least(wanted: int, *, wait: timedelta) -> Policy:
    """Return the policy in force once its version is at least ``wanted``.

    Raises: PolicyUnavailable, if it is not after ``wait``, or at once while ``_MOST_WAITING`` threads wait already.
    """
    if version() >= wanted or refresh() >= wanted:
        return current()
    if not _state.waiting.acquire(blocking=False):
        raise PolicyUnavailable
    try:
        ends = time.monotonic() + wait.total_seconds()
        while time.monotonic() < ends:
            time.sleep(_POLL_SECONDS)
            if refresh() >= wanted:
                return current()
    finally:
        _state.waiting.release()
    raise PolicyUnavailable


def forget() -> None:
    """Forget what was read. For tests, whose changes are rolled back."""
    running.follow(None)
    with _state.lock:
        _state.compared = None
        _state.failed_at = float("-inf")


def _keep(compared: _Compared) -> None:
    with _state.lock:
        known = _state.compared
        # Two threads may have read: the one that looked later knows better.
        if known is None or compared.at >= known.at:
            _state.compared = compared


def _read() -> tuple[Policy, Head]:
    head, rules, roles = _documents()
    try:
        policy = compile_policy(rules=rules, roles=roles, version=head.version)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with a stored rule, it must not allow anything
        log.error("access_policy_unreadable: %s: %s", type(error).__name__, error)  # noqa: TRY400 - as above
        return NoPolicy(version=head.version), head
    policy_reads.of_policy(policy)  # so that no request has to find it out
    return policy, head


def _documents() -> tuple[Head, Documents, Documents]:
    """Return rules and roles of one version: read again if they were changed meanwhile, at last with changes locked."""
    for _attempt in range(_ATTEMPTS):
        head = selectors.head()
        rules, roles = selectors.all_rules(), selectors.all_roles()
        if selectors.head().rules_id == head.rules_id:
            return head, rules, roles
    with transaction.atomic():
        head = selectors.locked_head()
        return head, selectors.all_rules(), selectors.all_roles()


def _discard(*, setting: str, **_details: object) -> None:
    if setting == "ACCESS":
        forget()


setting_changed.connect(_discard, dispatch_uid="access.active_policy")


def _reset_after_fork() -> None:
    """Let the child read the policy itself: no thread of it has compared what the parent knew."""
    global _state  # noqa: PLW0603 - threads of the parent may have held its locks
    _state = _ProcessState()


os.register_at_fork(after_in_child=_reset_after_fork)
database_watch.register(
    database_watch.Follower(
        name="access_policy",
        channel=CHANNEL,
        run_once=lambda _now: refresh(),
        seconds=lambda: access_settings.WATCH_SECONDS,
    )
)
