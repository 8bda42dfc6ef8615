"""Connect apps that may not know each other: what ``ratelimiting`` notices becomes events."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import connection, transaction

from ratelimiting import signals
from ratelimiting.evasion import Evasion
from ratelimiting.observing import Mistake
from security_events.catalogue import EventType
from security_events.models import SecurityEvent
from security_events.services import recording

log = structlog.get_logger(__name__)

SAID_AGAIN_AFTER = timedelta(hours=1)
_LOCK = 4_270_000  # any number that no other advisory lock has
MISTAKES = {
    Mistake.SINGLE_ADDRESS: EventType.NETWORK_SINGLE_ADDRESS,
    Mistake.UNTRUSTED_PROXY: EventType.NETWORK_UNTRUSTED_PROXY,
}
SENTENCES = {
    Mistake.SINGLE_ADDRESS: "All traffic comes from one address. If that is a proxy of yours, name it in "
    "TRUSTED_PROXIES, and let it send TRUSTED_PROXY_HEADER: until then all people share one limit.",
    Mistake.UNTRUSTED_PROXY: "A peer that is not trusted sends forwarding headers. If it is a proxy of yours, name it "
    "in TRUSTED_PROXIES: until then its address counts as everybody's.",
}
EVASIONS = {
    Evasion.ADDRESSES: EventType.RATELIMIT_ADDRESSES_ROTATED,
    Evasion.ACCOUNTS: EventType.RATELIMIT_ACCOUNTS_SWEPT,
    Evasion.USER_AGENTS: EventType.RATELIMIT_USER_AGENTS_ROTATED,
    Evasion.REQUESTS: EventType.NETWORK_REQUEST_MANIPULATED,
    Evasion.HEADERS: EventType.NETWORK_HEADERS_MANIPULATED,
}


def connect() -> None:
    """Connect everything; called once when the project starts."""
    signals.mistake_noticed.connect(record_mistake, dispatch_uid="cedrina.record_mistake")
    signals.evasion_noticed.connect(record_evasion, dispatch_uid="cedrina.record_evasion")


def record_mistake(*, mistake: Mistake, address: str | None, data: Mapping[str, Any], now: datetime, **_: Any) -> None:
    """Say that an operator has something to mend, in the log and, once an hour for all processes, as an event."""
    log.warning("operator_mistake", mistake=mistake.value, sentence=SENTENCES[mistake], address=address, **data)
    event_type = MISTAKES[mistake]
    with transaction.atomic():
        # Processes that notice it at the same moment come one after the other.
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        if SecurityEvent.objects.filter(type=event_type, occurred_at__gt=now - SAID_AGAIN_AFTER).exists():
            return
        recording.record(event_type, reasons=[str(mistake)], data={"address": address or "", **data}, now=now)


def record_evasion(
    *, evasion: Evasion, score: int, reasons: Sequence[str], data: Mapping[str, Any], now: datetime, **_: Any
) -> None:
    """Record that somebody seems to evade limits."""
    recording.record(EVASIONS[evasion], risk_score=score, reasons=reasons, data=data, now=now)
