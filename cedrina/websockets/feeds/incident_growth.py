"""Notice incidents that grow. An incident that takes in further events has no event of its own for each of them.

Once a second one statement reads how many events the open incidents have, while somebody listens.
"""

import asyncio
import logging
from collections.abc import Mapping
from functools import partial
from typing import Any, Protocol
from uuid import UUID
from weakref import WeakKeyDictionary

from django.db import Error

from security_events.api.serializers.incidents import incident_body
from security_events.live.database_thread import thread_of_process
from security_events.models import Incident
from security_events.types import IncidentStatus

SECONDS = 1.0
MOST_INCIDENTS = 500  # the newest ones

log = logging.getLogger(__name__)


class GrowthListener(Protocol):
    """Takes incidents that have grown."""

    def incident_grew(self, body: dict[str, Any]) -> None:
        """Take an incident in its public form. This is called on the event loop, and must not wait."""


class IncidentGrowth:
    """Tells listeners of open incidents that have more events than a second ago."""

    def __init__(self) -> None:
        self._listeners: set[GrowthListener] = set()
        self._watching: asyncio.Task[None] | None = None

    def listen(self, listener: GrowthListener) -> None:
        """Tell a listener from now on."""
        self._listeners.add(listener)
        if self._watching is None or self._watching.done():
            self._watching = asyncio.create_task(self._watch())

    def leave(self, listener: GrowthListener) -> None:
        """Tell a listener no more."""
        self._listeners.discard(listener)

    async def _watch(self) -> None:
        known: Mapping[UUID, int] | None = None
        while self._listeners:
            try:
                found = await thread_of_process().call(_sizes)
                grown = {each for each, size in found.items() if known is not None and size > known.get(each, size)}
                known = found
                if grown:
                    bodies = await thread_of_process().call(partial(bodies_of, grown))
                    for listener in tuple(self._listeners):
                        for body in bodies.values():
                            listener.incident_grew(body)
            except Error:
                known = None  # what grew meanwhile is shown with the next change
            except Exception:
                log.exception("incident_growth_broke")  # nobody would start it again
            await asyncio.sleep(SECONDS)


def bodies_of(ids: set[UUID]) -> Mapping[UUID, dict[str, Any]]:
    """Return incidents in their public form, by their ids."""
    rows = Incident.objects.filter(pk__in=ids).prefetch_related("responses")
    return {row.pk: incident_body(row) for row in rows}


def _sizes() -> Mapping[UUID, int]:
    rows = Incident.objects.exclude(status=IncidentStatus.RESOLVED).order_by("-pk")
    return dict(rows.values_list("pk", "events")[:MOST_INCIDENTS])


_growths: WeakKeyDictionary[asyncio.AbstractEventLoop, IncidentGrowth] = WeakKeyDictionary()


def growth_of_process() -> IncidentGrowth:
    """Return that of the running event loop; a server has one loop."""
    loop = asyncio.get_running_loop()
    if loop not in _growths:
        _growths[loop] = IncidentGrowth()
    return _growths[loop]
