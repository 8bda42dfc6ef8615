"""Connect apps that do not import each other.

``connect`` records the signals of ``ratelimiting`` as security events, and lets it act on findings. All other
connections are dotted paths in ``cedrina/settings/base.py``, listed in docs/architecture.md.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import connection, transaction

from cedrina import event_types
from cedrina_base import database_clock
from ratelimiting import signals
from ratelimiting.detection.evasion import EvasionPattern
from ratelimiting.detection.proxy_misconfiguration import ProxyMisconfiguration
from ratelimiting.services import refusal_reports
from ratelimiting.types import Author, RequestAttributes
from security_events import context
from security_events.catalogue import EventType
from security_events.models import SecurityEvent
from security_events.services import deduplication, recording
from security_events.signals import response_started, response_undone
from security_events.types import Outcome, ResponseKind, ResponseOrder, Subject

log = structlog.get_logger(__name__)

MOST_SHOWN = 10
REPEATED_AFTER = timedelta(hours=1)
_LOCK = 4_270_000  # any number that no other advisory lock has
MISCONFIGURATIONS = {
    ProxyMisconfiguration.SINGLE_ADDRESS: event_types.NETWORK_SINGLE_ADDRESS,
    ProxyMisconfiguration.UNTRUSTED_PROXY: event_types.NETWORK_UNTRUSTED_PROXY,
}
SENTENCES = {
    ProxyMisconfiguration.SINGLE_ADDRESS: "All traffic comes from one address. If that is a proxy of yours, name it in "
    "TRUSTED_PROXIES, and let it send TRUSTED_PROXY_HEADER: until then all people share one limit.",
    ProxyMisconfiguration.UNTRUSTED_PROXY: "A peer that is not trusted sends forwarding headers. If it is a proxy of "
    "yours, name it in TRUSTED_PROXIES: until then its address counts as everybody's.",
}
EVASIONS = {
    EvasionPattern.ADDRESSES: event_types.RATELIMIT_ADDRESSES_ROTATED,
    EvasionPattern.ACCOUNTS: event_types.RATELIMIT_ACCOUNTS_SWEPT,
    EvasionPattern.USER_AGENTS: event_types.RATELIMIT_USER_AGENTS_ROTATED,
    EvasionPattern.REQUESTS: event_types.NETWORK_REQUEST_MANIPULATED,
    EvasionPattern.HEADERS: event_types.NETWORK_HEADERS_MANIPULATED,
}


def connect() -> None:
    """Connect the receivers; called once when the project starts."""
    for signal, receiver in (
        (signals.refused, record_refusals),
        (signals.policy_changed, record_policy_changes),
        (signals.shadow_reported, record_shadow_reports),
        (signals.store_failed, record_store_failures),
        (signals.store_recovered, record_store_recoveries),
        (signals.misconfiguration_detected, record_misconfiguration),
        (signals.evasion_detected, record_evasion),
        (response_started, tighten_network),
        (response_undone, relax_network),
    ):
        signal.connect(receiver, dispatch_uid=f"cedrina.{receiver.__name__}")


def record_refusals(
    *,
    policy: str,
    key: str,
    parts: dict[str, str],
    refusals: int,
    attributes: RequestAttributes,
    now: datetime,
    **_details: Any,
) -> None:
    """Record that a key was refused, how often, and the first of the requests."""
    first = context.RequestContext(
        correlation_id=attributes.correlation_id,
        ip_address=attributes.address if key else None,
        user_agent=attributes.user_agent,
    )
    with context.bind(first):
        deduplication.record(
            event_types.RATELIMIT_REFUSED,
            actor=Subject(id=attributes.caller.user or "") if key else Subject(),
            outcome=Outcome.FAILURE,
            distinguished_by=[policy, key],
            data={
                "policy": policy,
                "key": key or "others",
                "parts": parts,
                "refusals": refusals,
                "route": attributes.route,
                "method": attributes.method,
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
    """Record what a policy in shadow mode would have refused in an hour."""
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
    """Record that this process counts alone; deferred, so that the request that detected it need not wait."""
    _defer(event_types.RATELIMIT_STORE_FAILED, Outcome.FAILURE, {"reason": reason})


def record_store_recoveries(**_details: Any) -> None:
    """Record that all processes count together again."""
    _defer(event_types.RATELIMIT_STORE_RECOVERED, Outcome.SUCCESS, {})


def record_misconfiguration(
    *, misconfiguration: ProxyMisconfiguration, address: str | None, data: Mapping[str, Any], now: datetime, **_: Any
) -> None:
    """Log a misconfiguration that an operator should correct, and record it once an hour for all processes."""
    sentence = SENTENCES[misconfiguration]
    log.warning("operator_mistake", mistake=misconfiguration.value, sentence=sentence, address=address, **data)
    event_type = MISCONFIGURATIONS[misconfiguration]
    with transaction.atomic():
        # Processes that detect it at the same time take turns, so that only the first records it.
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        if SecurityEvent.objects.filter(type=event_type.id, occurred_at__gt=now - REPEATED_AFTER).exists():
            return
        recording.record(event_type, reasons=[str(misconfiguration)], data={"address": address or "", **data}, now=now)


def record_evasion(
    *, pattern: EvasionPattern, score: int, reasons: Sequence[str], data: Mapping[str, Any], now: datetime, **_: Any
) -> None:
    """Record that somebody seems to evade limits; once a minute for all processes."""
    deduplication.record(
        EVASIONS[pattern],
        outcome=Outcome.SUCCESS,
        risk_score=score,
        reasons=reasons,
        data=data,
        once_per_network=True,
        now=now,
    )


def tighten_network(*, response: ResponseOrder, now: datetime, **_: Any) -> None:
    """Lower the limits of a network from which a finding's events come."""
    from ratelimiting.services import tightened_networks  # noqa: PLC0415 - most processes never need it

    if response.kind is ResponseKind.TIGHTEN_NETWORK and response.ends_at is not None:
        tightened_networks.tighten(
            tightening_id=response.id,
            network=response.network,
            reason=response.rule,
            ends_at=response.ends_at,
            now=now,
        )


def relax_network(*, response: ResponseOrder, **_: Any) -> None:
    """Take that back."""
    from ratelimiting.services import tightened_networks  # noqa: PLC0415 - as above

    if response.kind is ResponseKind.TIGHTEN_NETWORK:
        tightened_networks.relax(tightening_id=response.id)


def _defer(event_type: EventType, outcome: Outcome, data: dict[str, Any]) -> None:
    now = database_clock.now()
    refusal_reports.defer(act=lambda: recording.record(event_type, outcome=outcome, data=data, now=now))
