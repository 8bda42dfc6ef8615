"""Compute and check password hashes, a few at a time and out of everybody's way.

A hash costs a quarter of a second of a core. Computed where requests are answered, a handful of sign-ins would hold
up everything else; so a small pool of threads of lower priority does it, and the database holds no transaction
meanwhile.
"""

import functools
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from typing import TypeVar

from django.contrib.auth.hashers import BasePasswordHasher, get_hasher, identify_hasher, is_password_usable
from django.utils.module_loading import import_string

from accounts.conf import account_settings
from accounts.errors import HashingBusy

T = TypeVar("T")

RETRY_AFTER = 2  # seconds in which two threads work off a good part of a full queue


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a password fits a stored hash, and the hash to store instead where that one is out of date."""

    is_right: bool
    upgraded_digest: str | None = None


def check(*, password: str, digest: str | None) -> Verdict:
    """Compare a password with a stored hash; ``None`` for a person who doesn't exist.

    It takes one computation at the current cost, whether there is a hash, none or an unusable one, so that the time
    doesn't tell who has an account (OWASP ASVS 5.0, 6.3.8). A right password behind a cheaper hash takes a second one.

    Raises: HashingBusy.
    """
    return _compute(lambda: _check(password, digest))


def compute(*, password: str) -> str:
    """Return a new hash of a password, at the current cost and with a salt of its own.

    Raises: HashingBusy.
    """
    return _compute(lambda: _encode(password))


def matches_any(*, password: str, digests: list[str]) -> bool:
    """Tell whether a password is one of those behind some hashes, at one computation for each.

    Raises: HashingBusy.
    """
    return any(_compute(functools.partial(_fits, password, digest)) for digest in digests)


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


class _Pool:
    def __init__(self, *, threads: int, queue: int, niceness: int) -> None:
        self._room = threading.BoundedSemaphore(threads + queue)
        self._executor = ThreadPoolExecutor(
            threads, thread_name_prefix="hashing", initializer=_stand_back, initargs=(niceness,)
        )

    def run(self, work: Callable[[], T]) -> T:
        if not self._room.acquire(blocking=False):
            raise HashingBusy(retry_after=RETRY_AFTER)
        future = self._executor.submit(work)
        future.add_done_callback(lambda _done: self._room.release())
        return future.result()


def _compute(work: Callable[[], T]) -> T:
    pool = _pool(
        threads=account_settings.HASHING_THREADS,
        queue=account_settings.HASHING_QUEUE,
        niceness=account_settings.HASHING_NICENESS,
    )
    with _while_hashing():
        return pool.run(work)


_pool = functools.cache(_Pool)
with suppress(AttributeError):  # where there is no fork
    # Threads don't survive one; a server that forks its workers gets a pool in each.
    os.register_at_fork(after_in_child=_pool.cache_clear)


def _while_hashing() -> AbstractContextManager[object]:
    path = account_settings.WHILE_HASHING
    if path is None:
        return nullcontext()
    context: AbstractContextManager[object] = import_string(path)()
    return context


def _stand_back(niceness: int) -> None:
    """Lower the priority of the calling thread. Linux keeps one for each thread; elsewhere nothing happens."""
    with suppress(AttributeError, OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), niceness)
