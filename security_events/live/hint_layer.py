"""The channel layer by which processes that record events wake those that serve sockets.

A message says only that something is new: what it is, stands in the trail. It is configured by
``CHANNEL_LAYERS["security_events"]``, a layer that leaves its process; without that each process looks at the trail ten
times a second. docs/decisions/14-live-events.md has the reasons and the figures.
"""

import asyncio
import logging
from typing import Any

from django.conf import settings

log = logging.getLogger(__name__)

ALIAS = "security_events"
GROUP = "security-events"
NEW_EVENTS = {"type": "new_events"}
# What a receiver sends to itself, to know that messages still come.
ALIVE = {"type": "alive"}
# After a hint a receiver looks often for LOOKING_SECONDS, so a process that writes all the time needs no more than one
# in HINT_SECONDS. The difference is what a hint may be late by.
LOOKING_SECONDS = 0.5
HINT_SECONDS = 0.25
# Redis that is frozen takes bytes and answers nothing.
ANSWER_SECONDS = 1.0


def is_configured() -> bool:
    """Return whether there is a layer for hints."""
    return ALIAS in getattr(settings, "CHANNEL_LAYERS", {})


def layer() -> Any:
    """Return the layer. Its connections belong to the event loop that uses it."""
    from channels.layers import get_channel_layer  # noqa: PLC0415 - most commands have no use for it

    return get_channel_layer(ALIAS)


async def forget_connections(layer: Any) -> None:
    """Close the connections of a layer in this event loop; what uses it next opens others."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            await layer.flush()
    except Exception as error:  # noqa: BLE001 - they are broken already
        log.debug("event_hints_not_closed: %s", type(error).__name__)
