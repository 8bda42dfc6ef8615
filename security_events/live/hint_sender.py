"""Tell the processes that serve sockets that this one has committed events.

A commit only notes the time, unless the last hint is too old: then it wakes a thread, which sends one message. Nobody
waits for it, and nothing is lost with it, since receivers also look without hints, only later.
"""

import asyncio
import logging
import os
import threading
import time
from typing import Any

from security_events.live import hint_layer
from security_events.signals import event_committed

ATTEMPTS = 2  # the first one may meet a connection that Redis has closed meanwhile
PAUSE_SECONDS = 1.0  # after all attempts failed

log = logging.getLogger(__name__)


class _ProcessState:
    def __init__(self) -> None:
        self.thread: threading.Thread | None = None
        self.loop: asyncio.AbstractEventLoop | None = None
        self.wanted = asyncio.Event()
        self.next_due = 0.0  # by time.monotonic: until then the last hint is fresh enough
        self.is_failing = False


_lock = threading.Lock()
_state = _ProcessState()


def start() -> None:
    """Send hints from now on, if there is a layer for them. The thread starts with the first event.

    For servers and workers. A command is over before its thread would have loaded the layer.
    """
    if hint_layer.is_configured():
        event_committed.connect(send_hint, dispatch_uid=__name__)


def stop() -> None:
    """Send no hints any more."""
    event_committed.disconnect(dispatch_uid=__name__)


def send_hint(**_details: Any) -> None:
    """Let a hint be sent, unless the last one is fresh enough. This returns at once."""
    now = time.monotonic()
    if now < _state.next_due:
        return
    _state.next_due = now + hint_layer.HINT_SECONDS
    if _state.thread is None:
        _start_thread()
    elif _state.loop is not None:
        _state.loop.call_soon_threadsafe(_state.wanted.set)


def _start_thread() -> None:
    with _lock:
        if _state.thread is None:
            _state.wanted.set()
            _state.thread = threading.Thread(target=_run, name="event-hints", daemon=True)
            _state.thread.start()


def _run() -> None:
    try:
        asyncio.run(_send_all())
    except Exception:
        log.exception("event_hints_broke")  # a layer that is configured wrongly
        stop()


async def _send_all() -> None:
    _state.loop = asyncio.get_running_loop()
    layer = hint_layer.layer()
    while True:
        await _state.wanted.wait()
        _state.wanted.clear()
        for _ in range(ATTEMPTS):
            if await _is_sent(layer):
                break
        else:
            _state.next_due = time.monotonic() + PAUSE_SECONDS


async def _is_sent(layer: Any) -> bool:
    try:
        async with asyncio.timeout(hint_layer.ANSWER_SECONDS):
            await layer.group_send(hint_layer.GROUP, hint_layer.NEW_EVENTS)
    except Exception as error:  # noqa: BLE001 - the thread must survive any error; the next hint may get through
        if not _state.is_failing:
            log.warning("event_hints_not_sent: %s", type(error).__name__)
        _state.is_failing = True
        await hint_layer.forget_connections(layer)
        return False
    _state.is_failing = False
    return True


def _reset_after_fork() -> None:
    """Forget the parent's thread, which does not run in the child."""
    global _lock, _state  # noqa: PLW0603 - the lock may be held by another thread of the parent
    _lock = threading.Lock()
    _state = _ProcessState()


os.register_at_fork(after_in_child=_reset_after_fork)
