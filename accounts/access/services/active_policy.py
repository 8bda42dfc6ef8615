"""The policy in force in this process. Each process compares its version with the database about once a second.

The database is the truth. A notification (``pg_notify``) only makes a process look earlier, and a lost one costs a
second. A policy that could not be compared for ``MAX_STALENESS`` is not used any more: everything is denied then.
"""

import logging
import threading
import time
from datetime import timedelta
from typing import NamedTuple

from django.core.signals import setting_changed
from django.db import DatabaseError, InterfaceError, transaction

from accounts.access import selectors
from accounts.access.conf import access_settings
from accounts.access.deciding.index import CompiledPolicy
from accounts.access.errors import PolicyUnavailable, RolesInvalid, RuleInvalid
from accounts.access.selectors import Documents, Head
from accounts.access.services.compiling import Policy, compile_policy, renumbered

CHANNEL = "access_policy"
_ATTEMPTS = 5  # to read rules and roles of one version while others change them
_POLL_SECONDS = 0.05

log = logging.getLogger(__name__)


class _Compared(NamedTuple):
    """A policy, the version in force when it was last compared with the database, and when, by the monotonic clock."""

    policy: Policy
    head: Head
    at: float


class _ProcessState:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.compared: _Compared | None = None


_state = _ProcessState()
_NOTHING_ALLOWED = CompiledPolicy(rules=(), parents={}, version=0)


def current() -> Policy:
    """Return the policy in force: without a query, if this process has compared it lately.

    A policy that can't be read, or is older than ``MAX_STALENESS`` and can't be compared, is replaced by one that
    denies everything.
    """
    compared = _state.compared
    if compared is not None and time.monotonic() - compared.at < access_settings.MAX_STALENESS.total_seconds():
        return compared.policy
    try:
        refresh()
    except (DatabaseError, InterfaceError) as error:
        log.error("access_policy_too_old: %s", type(error).__name__)  # noqa: TRY400 - a traceback would add nothing
        return _NOTHING_ALLOWED
    compared = _state.compared
    return compared.policy if compared is not None else _NOTHING_ALLOWED


def refresh() -> int:
    """Compare the version with the database, read the policy if it changed; return the version now in force here.

    A policy with a mistake is no policy: it is logged, and everything is denied until it is corrected.
    """
    began = time.monotonic()
    head = selectors.head()
    known = _state.compared
    if known is not None and known.head == head:
        _keep(_Compared(known.policy, head, began))
        return head.version
    if known is not None and known.head.rules_id == head.rules_id:  # only grants changed
        _keep(_Compared(renumbered(known.policy, head.version), head, began))
        return head.version
    policy, head = _read()
    _keep(_Compared(policy, head, began))
    return head.version


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

    Raises: PolicyUnavailable, if it is not after ``wait``.
    """
    ends = time.monotonic() + wait.total_seconds()
    while version() < wanted and refresh() < wanted:
        if time.monotonic() >= ends:
            raise PolicyUnavailable
        time.sleep(_POLL_SECONDS)
    return current()


def forget() -> None:
    """Forget what was read. For tests, whose changes are rolled back."""
    with _state.lock:
        _state.compared = None


def _keep(compared: _Compared) -> None:
    with _state.lock:
        known = _state.compared
        # Two threads may have read: the one that looked later knows better.
        if known is None or compared.at >= known.at:
            _state.compared = compared


def _read() -> tuple[Policy, Head]:
    head, rules, roles = _documents()
    try:
        return compile_policy(rules=rules, roles=roles, version=head.version), head
    except (RuleInvalid, RolesInvalid) as error:
        log.error("access_policy_unreadable: %s", error)  # noqa: TRY400 - as above
        return CompiledPolicy(rules=(), parents={}, version=head.version), head


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
