"""Compute and check password hashes in a small pool of threads of lower priority.

A hash costs a quarter of a second of a core. Computed in the threads that answer requests, a handful of sign-ins would
delay all other requests. No database transaction is open while a hash is computed. The queue in front of the threads is
shared fairly between networks: see ``hashing_queue``.
"""

import functools
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.contrib.auth.hashers import BasePasswordHasher, get_hasher, identify_hasher, is_password_usable
from django.utils.module_loading import import_string

from accounts import measures
from accounts.conf import account_settings
from accounts.errors import HashingBusy
from accounts.services.passwords.hashing_queue import FairQueue
from ratelimiting.client_addresses.networks import enclosing_networks, normalise
from security_events import context as request_context

T = TypeVar("T")

RETRY_AFTER = 2  # seconds; two threads compute about 16 hashes in that time
# The share of the queue that one IPv4 /16 or IPv6 /48 may fill. The rest is kept for all other networks.
MOST_OF_ONE_NETWORK = 3 / 4
_KNOWN, _OTHERS = "known", "others"
# Every fourth turn is for callers who have shown whose account they use. Not more, since an attacker can have an
# account, too.
EVERY = {_KNOWN: 4}
_NETWORK_LEVEL = 2  # the first two names of a path: known or not, and the largest network


@dataclass(frozen=True, slots=True)
class PasswordCheck:
    """Whether a password fits a stored hash, and the new hash to store if the stored one is out of date."""

    is_right: bool
    upgraded_digest: str | None = None


def check(*, password: str, digest: str | None, owner: str = "") -> PasswordCheck:
    """Compare a password with a stored hash. ``digest`` is ``None`` for an account that doesn't exist.

    ``owner``, here and below, is the id of the account that the caller has already shown to be theirs by a session, a
    known device or a mailed token. Such callers have their own part of the queue, which strangers can't fill.

    It takes one computation at the current cost, whether there is a hash, none or an unusable one, so that the time
    doesn't reveal who has an account (OWASP ASVS 5.0, 6.3.8). A right password with an outdated hash takes a second
    computation.

    Raises: HashingBusy.
    """
    return _compute(lambda: _check(password, digest), owner=owner)


def compute(*, password: str, owner: str = "") -> str:
    """Return a new hash of a password, at the current cost and with a new salt.

    Raises: HashingBusy.
    """
    return _compute(lambda: _encode(password), owner=owner)


def matches_any(*, password: str, digests: list[str], owner: str = "") -> bool:
    """Return whether a password fits one of several hashes. Each costs one computation.

    Raises: HashingBusy.
    """
    return any(_compute(functools.partial(_fits, password, digest), owner=owner) for digest in digests)


def _check(password: str, digest: str | None) -> PasswordCheck:
    current = get_hasher()
    if not digest or not is_password_usable(digest):
        _encode(password)
        return PasswordCheck(is_right=False)
    try:
        hasher = identify_hasher(digest)
        is_right = hasher.verify(password, digest)
        is_outdated = hasher.algorithm != current.algorithm or current.must_update(digest)
    except (ValueError, AssertionError):  # what is stored is no hash at all
        _encode(password)
        return PasswordCheck(is_right=False)
    if is_right:
        return PasswordCheck(is_right=True, upgraded_digest=_encode(password) if is_outdated else None)
    if is_outdated:
        _equalise_cost(current, hasher, password, digest)
    return PasswordCheck(is_right=False)


def _equalise_cost(current: BasePasswordHasher, hasher: BasePasswordHasher, password: str, digest: str) -> None:
    if hasher.algorithm == current.algorithm or getattr(hasher, "bridges_to_current", False):
        hasher.harden_runtime(password, digest)
    else:
        _encode(password)


def _encode(password: str) -> str:
    hasher = get_hasher()
    return hasher.encode(password, hasher.salt())


def _fits(password: str, digest: str) -> bool:
    with suppress(ValueError, AssertionError):
        return is_password_usable(digest) and identify_hasher(digest).verify(password, digest)
    return False


@dataclass(eq=False, slots=True)
class _Waiting:
    work: Callable[[], Any] = field(repr=False)
    future: Future[Any] = field(default_factory=Future)


class _HashingPool:
    """Threads with a bounded fair queue in front of them.

    ``concurrent.futures.ThreadPoolExecutor`` is first in, first out: one client with many requests would delay all
    others.
    """

    def __init__(self, *, threads: int, queue: int, niceness: int) -> None:
        self._idle = threads
        self._most = queue
        self._most_of_one_network = max(1, int(queue * MOST_OF_ONE_NETWORK))
        self._queue: FairQueue[_Waiting] = FairQueue(EVERY)
        self._changed = threading.Condition()
        for number in range(threads):
            thread = threading.Thread(target=self._serve, args=(niceness,), name=f"hashing_{number}", daemon=True)
            thread.start()

    def run(self, work: Callable[[], T], *, path: tuple[str, ...], patience: float) -> T:
        """Run ``work`` in a thread when its turn comes, and return its result.

        Raises: HashingBusy when it was dropped or waited for more than ``patience`` seconds; whatever ``work`` raises.
        """
        waiting = _Waiting(work)
        with self._changed:
            self._queue.put(waiting, path=path)
            dropped = self._surplus(path)
            measures.HASHING_QUEUE.set(len(self._queue))
            self._changed.notify()
        if dropped is not None:
            dropped.future.set_exception(HashingBusy(retry_after=RETRY_AFTER))
        with suppress(TimeoutError):
            waiting.future.exception(timeout=patience)
        with self._changed:
            has_given_up = not waiting.future.done() and self._queue.remove(waiting, path=path)
            measures.HASHING_QUEUE.set(len(self._queue))
        if has_given_up:
            raise HashingBusy(retry_after=RETRY_AFTER)
        result: T = waiting.future.result()
        return result

    def _surplus(self, path: tuple[str, ...]) -> _Waiting | None:
        """Remove and return one item if adding one under ``path`` made the queue, or a network's part, too long."""
        # An item that an idle thread is about to take doesn't count.
        if self._queue.size(path[:_NETWORK_LEVEL]) - self._idle > self._most_of_one_network:
            return self._queue.drop(path=path, within=_NETWORK_LEVEL)
        if len(self._queue) - self._idle > self._most:
            return self._queue.drop(path=path)
        return None

    def _serve(self, niceness: int) -> None:
        _lower_thread_priority(niceness)
        while True:
            self._serve_next()

    def _serve_next(self) -> None:
        with self._changed:
            while not self._queue:
                self._changed.wait()
            waiting = self._queue.take()
            measures.HASHING_QUEUE.set(len(self._queue))
            self._idle -= 1
        result, failure = None, None
        try:
            result = waiting.work()
        except BaseException as error:  # noqa: BLE001 - it is raised where the work was asked for
            failure = error
        with self._changed:
            self._idle += 1
        if failure is None:
            waiting.future.set_result(result)
        else:
            waiting.future.set_exception(failure)


def _compute(work: Callable[[], T], *, owner: str = "") -> T:
    with _pool_lock:  # or simultaneous first requests would each make a pool
        pool = _pool(
            threads=account_settings.HASHING_THREADS,
            queue=account_settings.HASHING_QUEUE,
            niceness=account_settings.HASHING_NICENESS,
        )
    started = time.monotonic()
    with _while_hashing():
        result = pool.run(work, path=_path(owner), patience=account_settings.HASHING_WAIT.total_seconds())
    measures.HASHING_SECONDS.observe(time.monotonic() - started)
    return result


def _path(owner: str) -> tuple[str, ...]:
    """Return the queue's path for the current request: known or not, the client's networks by size, the account."""
    networks = enclosing_networks(normalise(request_context.current().ip_address or "") or "")
    return (_KNOWN if owner else _OTHERS, *reversed(networks), owner)


_pool = functools.cache(_HashingPool)
_pool_lock = threading.Lock()


def _reset_after_fork() -> None:
    """Let a forked process make its own pool: threads don't survive a fork."""
    global _pool_lock  # noqa: PLW0603 - another thread may have held the old one when the process was forked
    _pool_lock = threading.Lock()
    _pool.cache_clear()


with suppress(AttributeError):  # where there is no fork
    os.register_at_fork(after_in_child=_reset_after_fork)


def _while_hashing() -> AbstractContextManager[object]:
    path = account_settings.WHILE_HASHING
    if path is None:
        return nullcontext()
    context: AbstractContextManager[object] = import_string(path)()
    return context


def _lower_thread_priority(niceness: int) -> None:
    """Lower the priority of the calling thread below that of its process. Only Linux has a priority for each thread."""
    with suppress(AttributeError, OSError):
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + niceness)
