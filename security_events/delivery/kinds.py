"""The kinds of sinks.

Each app registers its own in its module ``sink_kinds``::

    register(WebhookKind())

The module is imported by processes that deliver, and by no other one.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Protocol

from django.utils.module_loading import autodiscover_modules

from security_events.errors import SecurityEventError
from security_events.models import Sink
from security_events.selectors.trail import TrailEvent


class DeliveryFailed(SecurityEventError):
    """A sink did not take an event. ``reason`` is shown to operators: a word or two, without secrets and addresses.

    ``delivered`` is the number of events of the batch that it took before. ``retry_after`` is how long the sink asks to
    be left alone. ``is_gone`` says that it wants no more events at all.
    """

    def __init__(
        self, reason: str, *, delivered: int = 0, retry_after: timedelta | None = None, is_gone: bool = False
    ) -> None:
        super().__init__(reason)
        self.reason, self.delivered, self.retry_after, self.is_gone = reason, delivered, retry_after, is_gone


class SinkKind(Protocol):
    """How to deliver to the sinks of one kind.

    ``name`` is stored in ``Sink.kind``; ``batch_size`` is how many events it is given at most; ``retry_delays`` are the
    delays after the first, second, … failure in a row, before the sink is parked.
    """

    @property
    def name(self) -> str: ...
    @property
    def batch_size(self) -> int: ...
    @property
    def retry_delays(self) -> Sequence[timedelta]: ...

    def deliver(self, sink: Sink, events: Sequence[TrailEvent], *, now: datetime) -> int:
        """Deliver events in their order, and return how many were delivered; fewer than all when time is up.

        It returns within ``sender.BATCH_SECONDS``, plus one request. An event may be given again, after a process was
        killed, so the receiver must be able to tell by the event's id. It runs outside of transactions, and must not
        wait inside of one: an open transaction holds the whole trail back.

        Raises: DeliveryFailed.
        """

    def deliver_requests(self, sink: Sink, *, now: datetime) -> None:
        """Send what was asked for beside the trail (``Sink.open_requests``). What fails is the kind's own matter."""


_registered: dict[str, SinkKind] = {}
KINDS: Mapping[str, SinkKind] = MappingProxyType(_registered)
"""All kinds by their names, once ``load`` was called."""


def register(kind: SinkKind) -> None:
    """Declare a kind. A second one of the name replaces the first, as in tests."""
    _registered[kind.name] = kind


def load() -> None:
    """Import the module ``sink_kinds`` of each installed app."""
    autodiscover_modules("sink_kinds")
