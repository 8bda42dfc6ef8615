"""The open sockets of this process: a slot for each among those of its person, and whether their sessions go on.

One statement asks about the sessions of all sockets, four times a second; so every way in which a session can end
closes its sockets within a second. Sockets that need a permission are authorized again every two seconds. With very
many sockets it is asked less often, so that it takes a twentieth of a connection at most.
"""

import asyncio
import logging
import time
from collections import defaultdict
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Protocol
from uuid import UUID, uuid4
from weakref import WeakKeyDictionary

from asgiref.sync import sync_to_async
from django.db import Error, connection

from cedrina.websockets import authentication, close_codes, socket_slots
from cedrina.websockets.socket_slots import TakenSlot
from cedrina_base import database_clock
from security_events.live.database_thread import thread_of_process
from tokens.services import open_sockets

if TYPE_CHECKING:
    from cedrina.websockets.authentication import SocketCaller

SESSION_SECONDS = 0.25
PERMISSION_SECONDS = 2.0
RENEWAL_SECONDS = socket_slots.LEASE_SECONDS / 4
CLEANING_SECONDS = 300.0
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
        self._process_id = uuid4()
        self._sockets: dict[WatchedSocket, TakenSlot] = {}
        self._freed: list[TakenSlot] = []  # which the database still counts as taken
        self._wake = asyncio.Event()
        self._renewal_due = self._cleaning_due = 0.0  # by time.monotonic
        self._watching: asyncio.Task[None] | None = None

    async def enter(self, socket: WatchedSocket) -> bool:
        """Watch a socket and return True, if its person has not ``MOST_OF_PERSON`` already, in all processes.

        Raises: django.db.Error.
        """
        subject = socket.caller.subject
        slot = next((each for each in self._freed if each.subject == subject), None)
        if slot is not None:
            self._freed.remove(slot)
        else:
            slot = await self._taken(subject)
        if slot is None:
            return False
        self._sockets[socket] = slot
        self._start()
        return True

    def leave(self, socket: WatchedSocket) -> None:
        """Watch a socket no more."""
        slot = self._sockets.pop(socket, None)
        if slot is not None:
            self._give_back(slot)

    async def _taken(self, subject: str) -> TakenSlot | None:
        """Take a slot in the database. Of a handshake that ends meanwhile it is given back."""
        taking = asyncio.ensure_future(sync_to_async(_take_slot)(subject, self._process_id))
        try:
            return await asyncio.shield(taking)
        except asyncio.CancelledError:
            taking.add_done_callback(self._give_back_unused)
            raise

    def _give_back_unused(self, taking: "asyncio.Future[TakenSlot | None]") -> None:
        slot = None if taking.cancelled() or taking.exception() else taking.result()
        if slot is not None:
            self._give_back(slot)

    def _give_back(self, slot: TakenSlot) -> None:
        self._freed.append(slot)
        self._wake.set()
        self._start()

    def _start(self) -> None:
        if self._watching is None or self._watching.done():
            self._watching = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        thread = thread_of_process()
        permissions_due = 0.0
        try:
            while self._sockets or self._freed:
                self._wake.clear()
                started = time.monotonic()
                try:
                    await self._keep_slots(at=started)
                    started = time.monotonic()  # that is rare, and opens the connection: it counts for no share
                    await self._close_ended(now=database_clock.now())
                    if started >= permissions_due:
                        await self._close_forbidden(now=database_clock.now())
                        took = time.monotonic() - started
                        permissions_due = started + max(PERMISSION_SECONDS, took / LARGEST_SHARE)
                except Error:
                    pass  # nothing ends while the database is away, and the feeds say that it is
                except Exception:
                    log.exception("session_watch_broke")  # nobody would start it again
                took = time.monotonic() - started
                await self._pause(max(SESSION_SECONDS - took, took / LARGEST_SHARE))
        finally:
            thread.close_connection()

    async def _pause(self, seconds: float) -> None:
        """Wait for the next round; the last sockets of this process give their slots back at once."""
        if self._sockets:
            await asyncio.sleep(seconds)
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()

    async def _keep_slots(self, *, at: float) -> None:
        """Give freed slots back and, now and then, say that this process lives, and forget those that don't."""
        await self._release_freed()
        if self._sockets and at >= self._renewal_due:
            await thread_of_process().call(partial(socket_slots.renew, process_id=self._process_id))
            self._renewal_due = at + RENEWAL_SECONDS
        if self._sockets and at >= self._cleaning_due:
            await thread_of_process().call(socket_slots.forget_dead)
            self._cleaning_due = at + CLEANING_SECONDS

    async def _release_freed(self) -> None:
        slots = tuple(self._freed)
        if slots:
            # Removed first, so that none of them is given to a new socket meanwhile.
            del self._freed[: len(slots)]
            try:
                await thread_of_process().call(partial(socket_slots.release, slots, process_id=self._process_id))
            except Error:
                self._freed += slots
                raise

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


def _take_slot(subject: str, process_id: UUID) -> TakenSlot | None:
    connection.close_if_unusable_or_obsolete()
    return socket_slots.take(subject=subject, process_id=process_id)


_watches: WeakKeyDictionary[asyncio.AbstractEventLoop, SessionWatch] = WeakKeyDictionary()


def watch_of_process() -> SessionWatch:
    """Return the watch of the running event loop; a server has one loop."""
    loop = asyncio.get_running_loop()
    if loop not in _watches:
        _watches[loop] = SessionWatch()
    return _watches[loop]
