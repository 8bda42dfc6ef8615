"""The open sockets of this process: how many each person has, and whether their sessions go on.

One statement asks about the sessions of all sockets, four times a second; so every way in which a session can end
closes its sockets within a second. Sockets that need a permission are authorized again every two seconds. With very
many sockets it is asked less often, so that it takes a twentieth of a connection at most.
"""

import asyncio
import logging
import time
from collections import Counter, defaultdict
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Protocol
from weakref import WeakKeyDictionary

from django.db import Error
from django.utils import timezone

from cedrina.websockets import authentication, close_codes
from security_events.live.database_thread import thread_of_process
from tokens.services import open_sockets

if TYPE_CHECKING:
    from cedrina.websockets.authentication import SocketCaller

MOST_OF_PERSON = 10
SESSION_SECONDS = 0.25
PERMISSION_SECONDS = 2.0
LARGEST_SHARE = 0.05  # of the time, for these questions

log = logging.getLogger(__name__)


class WatchedSocket(Protocol):
    """A socket that was authenticated."""

    caller: "SocketCaller"

    @property
    def action(self) -> str | None:
        """What the caller must be allowed to do, if anything."""

    def end(self, code: int) -> None:
        """Begin to close the socket."""


class SessionWatch:
    """Knows the open sockets, and closes those whose session, token or permission has ended."""

    def __init__(self) -> None:
        self._sockets: set[WatchedSocket] = set()
        self._of_person: Counter[str] = Counter()
        self._watching: asyncio.Task[None] | None = None

    def enter(self, socket: WatchedSocket) -> bool:
        """Watch a socket and return True, if its person has not ``MOST_OF_PERSON`` already."""
        if self._of_person[socket.caller.subject] >= MOST_OF_PERSON:
            return False
        self._of_person[socket.caller.subject] += 1
        self._sockets.add(socket)
        if self._watching is None or self._watching.done():
            self._watching = asyncio.create_task(self._watch())
        return True

    def leave(self, socket: WatchedSocket) -> None:
        """Watch a socket no more."""
        if socket in self._sockets:
            self._sockets.discard(socket)
            self._of_person[socket.caller.subject] -= 1
            if not self._of_person[socket.caller.subject]:
                del self._of_person[socket.caller.subject]

    async def _watch(self) -> None:
        thread = thread_of_process()
        permissions_due = 0.0
        try:
            while self._sockets:
                started = time.monotonic()
                try:
                    await self._close_ended(now=timezone.now())
                    if started >= permissions_due:
                        await self._close_forbidden(now=timezone.now())
                        took = time.monotonic() - started
                        permissions_due = started + max(PERMISSION_SECONDS, took / LARGEST_SHARE)
                except Error:
                    pass  # nothing ends while the database is away, and the feeds say that it is
                except Exception:
                    log.exception("session_watch_broke")  # nobody would start it again
                took = time.monotonic() - started
                await asyncio.sleep(max(SESSION_SECONDS - took, took / LARGEST_SHARE))
        finally:
            thread.close_connection()

    async def _close_ended(self, *, now: datetime) -> None:
        for socket in tuple(self._sockets):  # first, since that takes no database
            if socket.caller.expires_at <= now:
                socket.end(close_codes.SESSION_ENDED)
        sockets = tuple(self._sockets)
        tokens = {token for socket in sockets if (token := socket.caller.token) is not None}
        dead = await thread_of_process().call(lambda: open_sockets.dead_tokens(among=tokens, now=now))
        for socket in sockets:
            if socket.caller.token in dead:
                socket.end(close_codes.SESSION_ENDED)

    async def _close_forbidden(self, *, now: datetime) -> None:
        alike: defaultdict[tuple[SocketCaller, str], list[WatchedSocket]] = defaultdict(list)
        for socket in self._sockets:
            if socket.action is not None:
                alike[socket.caller, socket.action].append(socket)
        for (caller, action), sockets in alike.items():
            code = await thread_of_process().call(partial(_refusal, caller, action, now))
            for socket in sockets if code else ():
                socket.end(code)


def _refusal(caller: "SocketCaller", action: str, now: datetime) -> int:
    """Return the close code for a caller who may not do an action any more, 0 for one who may."""
    try:
        authentication.check_again(caller, action=action, now=now)
    except authentication.HandshakeRefused as refusal:
        return refusal.code
    return 0


_watches: WeakKeyDictionary[asyncio.AbstractEventLoop, SessionWatch] = WeakKeyDictionary()


def watch_of_process() -> SessionWatch:
    """Return the watch of the running event loop; a server has one loop."""
    loop = asyncio.get_running_loop()
    if loop not in _watches:
        _watches[loop] = SessionWatch()
    return _watches[loop]
