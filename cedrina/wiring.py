"""Connect apps that may not know each other: what ``ratelimiting`` announces is recorded by ``security_events``."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import connection, transaction
from django.utils import timezone

from cedrina import event_types
from ratelimiting import signals
from ratelimiting.callers import Author
from ratelimiting.evasion import Evasion
from ratelimiting.observing import Mistake
from ratelimiting.services import tally
from ratelimiting.services.judging import Facts
from security_events import context
from security_events.catalogue import EventType
from security_events.models import SecurityEvent
from security_events.services import deduplication, recording
from security_events.types import Outcome, Subject

log = structlog.get_logger(__name__)

MOST_SHOWN = 10
SAID_AGAIN_AFTER = timedelta(hours=1)
_LOCK = 4_270_000  # any number that no other advisory lock has
MISTAKES = {
    Mistake.SINGLE_ADDRESS: event_types.NETWORK_SINGLE_ADDRESS,
    Mistake.UNTRUSTED_PROXY: event_types.NETWORK_UNTRUSTED_PROXY,
}
SENTENCES = {
    Mistake.SINGLE_ADDRESS: "All traffic comes from one address. If that is a proxy of yours, name it in "
    "TRUSTED_PROXIES, and let it send TRUSTED_PROXY_HEADER: until then all people share one limit.",
    Mistake.UNTRUSTED_PROXY: "A peer that is not trusted sends forwarding headers. If it is a proxy of yours, name it "
    "in TRUSTED_PROXIES: until then its address counts as everybody's.",
}
EVASIONS = {
    Evasion.ADDRESSES: event_types.RATELIMIT_ADDRESSES_ROTATED,
    Evasion.ACCOUNTS: event_types.RATELIMIT_ACCOUNTS_SWEPT,
    Evasion.USER_AGENTS: event_types.RATELIMIT_USER_AGENTS_ROTATED,
    Evasion.REQUESTS: event_types.NETWORK_REQUEST_MANIPULATED,
    Evasion.HEADERS: event_types.NETWORK_HEADERS_MANIPULATED,
}


def connect() -> None:
    """Connect everything; called once when the project starts."""
    for signal, receiver in (
        (signals.refused, record_refusals),
        (signals.policy_changed, record_policy_changes),
        (signals.shadow_reported, record_shadow_reports),
        (signals.store_failed, record_store_failures),
        (signals.store_recovered, record_store_recoveries),
        (signals.mistake_noticed, record_mistake),
        (signals.evasion_noticed, record_evasion),
    ):
        signal.connect(receiver, dispatch_uid=f"cedrina.{receiver.__name__}")


def record_refusals(
    *, policy: str, key: str, parts: dict[str, str], refusals: int, facts: Facts, now: datetime, **_details: Any
) -> None:
    """Record that a key was refused, with the number of times and the first of the requests."""
    first = context.RequestContext(
        correlation_id=facts.correlation_id, ip_address=facts.address if key else None, user_agent=facts.user_agent
    )
    with context.bind(first):
        recording.record(
            event_types.RATELIMIT_REFUSED,
            actor=Subject(id=facts.caller.user or "") if key else Subject(),
            outcome=Outcome.FAILURE,
            data={
                "policy": policy,
                "key": key or "others",
                "parts": parts,
                "refusals": refusals,
                "route": facts.route,
                "method": facts.method,
            },
            now=now,
        )


def record_policy_changes(
    *,
    number: int,
    change: str,
    policy: str,
    before: dict[str, Any] | None,
    after: dict[str, Any] | None,
    author: Author,
    reason: str,
    now: datetime,
    **_details: Any,
) -> None:
    """Record who changed which policy from what to what, and why."""
    recording.record(
        event_types.RATELIMIT_POLICY_CHANGED,
        actor=Subject(id=author.id, name=author.name),
        data={
            "version": number,
            "change": change,
            "policy": policy,
            "before": before,
            "after": after,
            "note": reason,
        },
        now=now,
    )


def record_shadow_reports(
    *,
    policy: str,
    began_at: datetime,
    refused: int,
    keys: list[dict[str, Any]],
    samples: list[dict[str, Any]],
    now: datetime,
    **_details: Any,
) -> None:
    """Record what a shadow policy would have refused in an hour."""
    recording.record(
        event_types.RATELIMIT_SHADOW_REPORT,
        data={
            "policy": policy,
            "began_at": began_at.isoformat(),
            "refused": refused,
            "keys": keys[:MOST_SHOWN],
            "samples": samples[:MOST_SHOWN],
        },
        now=now,
    )


def record_store_failures(*, reason: str, **_details: Any) -> None:
    """Record, outside of the request that noticed, that this process counts alone."""
    _defer(event_types.RATELIMIT_STORE_FAILED, Outcome.FAILURE, {"reason": reason})


def record_store_recoveries(**_details: Any) -> None:
    """Record that all processes count together again."""
    _defer(event_types.RATELIMIT_STORE_RECOVERED, Outcome.SUCCESS, {})


def record_mistake(*, mistake: Mistake, address: str | None, data: Mapping[str, Any], now: datetime, **_: Any) -> None:
    """Say that an operator has something to mend, in the log and, once an hour for all processes, as an event."""
    log.warning("operator_mistake", mistake=mistake.value, sentence=SENTENCES[mistake], address=address, **data)
    event_type = MISTAKES[mistake]
    with transaction.atomic():
        # Processes that notice it at the same moment come one after the other.
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        if SecurityEvent.objects.filter(type=event_type.id, occurred_at__gt=now - SAID_AGAIN_AFTER).exists():
            return
        recording.record(event_type, reasons=[str(mistake)], data={"address": address or "", **data}, now=now)


def record_evasion(
    *, evasion: Evasion, score: int, reasons: Sequence[str], data: Mapping[str, Any], now: datetime, **_: Any
) -> None:
    """Record that somebody seems to evade limits; where several processes notice it in the same minute, once."""
    deduplication.record(
        EVASIONS[evasion], outcome=Outcome.SUCCESS, risk_score=score, reasons=reasons, data=data, now=now
    )


def _defer(event_type: EventType, outcome: Outcome, data: dict[str, Any]) -> None:
    now = timezone.now()
    tally.defer(act=lambda: recording.record(event_type, outcome=outcome, data=data, now=now))
