"""`/ws/account/`: what happens to the account of the person who opened the socket."""

import asyncio
from collections import deque
from typing import Any

from asgiref.sync import sync_to_async
from django.db import connection
from django.utils import translation

from accounts.services.profile import account_notices
from accounts.services.profile.account_notices import AccountNotice
from cedrina.websockets import close_codes
from cedrina.websockets.authenticated_consumer import AuthenticatedConsumer
from security_events.live.feed import POLL_SECONDS, feed_of_process
from security_events.live.recent_events import RecentEvent

MOST_WAITING = 200


class AccountConsumer(AuthenticatedConsumer):
    """Tells a person of new and ended sessions, and of changes to their account, as they are committed.

    It has no memory: after a pause a client reads its sessions and its activity by the API.
    """

    farewell_seconds = 2 * POLL_SECONDS

    async def open_feed(self) -> None:
        self._waiting: deque[RecentEvent] = deque()
        self._wake = asyncio.Event()
        await feed_of_process().listen(self.caller.subject, self)

    def close_feed(self) -> None:
        if hasattr(self, "caller"):
            feed_of_process().leave(self.caller.subject, self)

    def end(self, code: int) -> None:
        """Begin to close the socket, and read at once why: the event was committed with the end of the session."""
        feed_of_process().look_soon()
        super().end(code)

    def take_event(self, event: RecentEvent) -> None:
        """Keep an event of the person until it is sent."""
        if event.form["type"] not in account_notices.NOTICES:
            return
        if len(self._waiting) >= MOST_WAITING:
            self.end(close_codes.TOO_MANY_REQUESTS)
            return
        self._waiting.append(event)
        self._wake.set()

    def stop(self) -> None:
        """Close the socket: the feed has stopped."""
        self.end(close_codes.UNAVAILABLE)

    async def run(self) -> None:
        while True:
            self._wake.clear()
            while self._waiting:
                notice = await sync_to_async(self._notice_of)(self._waiting.popleft())
                if notice is not None:
                    await self.send_object(_frame(notice))
            await self._wake.wait()

    def _notice_of(self, event: RecentEvent) -> AccountNotice | None:
        connection.close_if_unusable_or_obsolete()
        with translation.override(self.language):
            return account_notices.notice_of(
                event.form, subject=self.caller.subject, current_session=self.caller.session_id
            )


def _frame(notice: AccountNotice) -> dict[str, Any]:
    frame: dict[str, Any] = {"type": notice.type, "id": notice.id, "occurred_at": notice.occurred_at}
    if notice.session is not None:
        session = notice.session
        frame["session"] = {
            "id": str(session.id),
            "current": session.is_current,
            "device": session.device,
            "ip_address": session.ip_address,
            "location": session.location,
        }
    return {**frame, "details": dict(notice.details)}
