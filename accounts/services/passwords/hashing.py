"""Compute and check password hashes, a few at a time and out of everybody's way.

A hash costs a quarter of a second of a core. Computed where requests are answered, a handful of sign-ins would hold
up everything else; so a small pool of threads of lower priority does it, and the database holds no transaction
meanwhile. What waits for a thread is served in turns, network by network: see ``hashing_queue``.
"""

import functools
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.contrib.auth.hashers import BasePasswordHasher, get_hasher, identify_hasher, is_password_usable
from django.utils.module_loading import import_string

from accounts.conf import account_settings
from accounts.errors import HashingBusy
from accounts.services.passwords.hashing_queue import FairQueue
from ratelimiting.client_addresses.networks import enclosing_networks, normalise
from security_events import context as request_context

T = TypeVar("T")

RETRY_AFTER = 2  # seconds in which two threads work off a good part of a full queue
# Of the queue, how much one IPv4 /16 or IPv6 /48 may fill; the rest, and the threads that answer requests behind it,
# are kept for all others.
MOST_OF_ONE_NETWORK = 3 / 4
_KNOWN, _OTHERS = "known", "others"
# People who have shown who they are have one of so many turns for themselves. An attacker may have an account, too, so
# it is not half of them.
EVERY = {_KNOWN: 4}
_NETWORK_LEVEL = 2  # in a path: known or not, then the largest network


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a password fits a stored hash, and the hash to store instead where that one is out of date."""

    is_right: bool
    upgraded_digest: str | None = None


def check(*, password: str, digest: str | None, owner: str = "") -> Verdict:
    """Compare a password with a stored hash; ``None`` for a person who doesn't exist.

    ``owner``, here and below, is the id of an account that the caller has already shown to be theirs, by a session, a
    known device or a mailed token. Such callers have a queue of their own, that strangers can't fill.

    It takes one computation at the current cost, whether there is a hash, none or an unusable one, so that the time
    doesn't tell who has an account (OWASP ASVS 5.0, 6.3.8). A right password behind a cheaper hash takes a second one.

    Raises: HashingBusy.
    """
    return _compute(lambda: _check(password, digest), owner=owner)


def compute(*, password: str, owner: str = "") -> str:
    """Return a new hash of a password, at the current cost and with a salt of its own.

    Raises: HashingBusy.
    """
    return _compute(lambda: _encode(password), owner=owner)


def matches_any(*, password: str, digests: list[str], owner: str = "") -> bool:
    """Tell whether a password is one of those behind some hashes, at one computation for each.

    Raises: HashingBusy.
    """
    return any(_compute(functools.partial(_fits, password, digest), owner=owner) for digest in digests)


def _check(password: str, digest: str | None) -> Verdict:
    current = get_hasher()
    if not digest or not is_password_usable(digest):
        _encode(password)
        return Verdict(is_right=False)
    try:
        hasher = identify_hasher(digest)
        is_right = hasher.verify(password, digest)
        is_outdated = hasher.algorithm != current.algorithm or current.must_update(digest)
    except (ValueError, AssertionError):  # what is stored is no hash at all
        _encode(password)
        return Verdict(is_right=False)
    if is_right:
        return Verdict(is_right=True, upgraded_digest=_encode(password) if is_outdated else None)
    if is_outdated:
        _take_the_rest_of_the_time(current, hasher, password, digest)
    return Verdict(is_right=False)


def _take_the_rest_of_the_time(
    current: BasePasswordHasher, hasher: BasePasswordHasher, password: str, digest: str
) -> None:
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


class _Pool:
    """Some threads, and a bounded queue in front of them that is shared fairly.

    A thread pool of the library serves first what came first, so that one client with many requests stops all others.
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
        """Have work done when its turn comes, and return what it returns.

        Raises: HashingBusy when it was dropped or waited for more than ``patience`` seconds; whatever ``work`` does.
        """
        waiting = _Waiting(work)
        with self._changed:
            self._queue.put(waiting, path=path)
            dropped = self._surplus(path)
            self._changed.notify()
        if dropped is not None:
            dropped.future.set_exception(HashingBusy(retry_after=RETRY_AFTER))
        with suppress(TimeoutError):
            waiting.future.exception(timeout=patience)
        with self._changed:
            has_given_up = not waiting.future.done() and self._queue.remove(waiting, path=path)
        if has_given_up:
            raise HashingBusy(retry_after=RETRY_AFTER)
        result: T = waiting.future.result()
        return result

    def _surplus(self, path: tuple[str, ...]) -> _Waiting | None:
        """Take out of the queue what is too much since something was added under a path."""
        # What an idle thread is about to take does not wait.
        if self._queue.size(path[:_NETWORK_LEVEL]) - self._idle > self._most_of_one_network:
            return self._queue.drop(path=path, within=_NETWORK_LEVEL)
        if len(self._queue) - self._idle > self._most:
            return self._queue.drop(path=path)
        return None

    def _serve(self, niceness: int) -> None:
        _stand_back(niceness)
        while True:
            self._serve_next()

    def _serve_next(self) -> None:
        with self._changed:
            while not self._queue:
                self._changed.wait()
            waiting = self._queue.take()
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
    with _making:  # or simultaneous first requests would each make a pool
        pool = _pool(
            threads=account_settings.HASHING_THREADS,
            queue=account_settings.HASHING_QUEUE,
            niceness=account_settings.HASHING_NICENESS,
        )
    with _while_hashing():
        return pool.run(work, path=_path(owner), patience=account_settings.HASHING_WAIT.total_seconds())


def _path(owner: str) -> tuple[str, ...]:
    """Return where work of the request being answered waits: among the known or the others, then by network."""
    networks = enclosing_networks(normalise(request_context.current().ip_address or "") or "")
    return (_KNOWN if owner else _OTHERS, *reversed(networks), owner)


_pool = functools.cache(_Pool)
_making = threading.Lock()


def _begin_anew() -> None:
    """Make a pool of its own in a forked process: threads don't survive a fork."""
    global _making  # noqa: PLW0603 - another thread may have held it
    _making = threading.Lock()
    _pool.cache_clear()


with suppress(AttributeError):  # where there is no fork
    os.register_at_fork(after_in_child=_begin_anew)


def _while_hashing() -> AbstractContextManager[object]:
    path = account_settings.WHILE_HASHING
    if path is None:
        return nullcontext()
    context: AbstractContextManager[object] = import_string(path)()
    return context


def _stand_back(niceness: int) -> None:
    """Lower the priority of the calling thread below its process'. Linux keeps one for each thread, others don't."""
    with suppress(AttributeError, OSError):
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + niceness)
