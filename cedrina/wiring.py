"""Connects apps that may not know each other: what `ratelimiting` announces is recorded by `security_events`."""

from datetime import datetime
from typing import Any

from django.dispatch import receiver
from django.utils import timezone

from ratelimiting import signals
from ratelimiting.callers import Author
from ratelimiting.services import tally
from ratelimiting.services.judging import Facts
from security_events import context
from security_events.catalogue import EventType, Outcome
from security_events.services import recording
from security_events.types import Subject

MOST_SHOWN = 10


@receiver(signals.refused, dispatch_uid="cedrina.record_refusals")
def record_refusals(
    *, policy: str, key: str, parts: dict[str, str], refusals: int, facts: Facts, now: datetime, **_details: Any
) -> None:
    """Record that a key was refused, with the number of times and the first of the requests."""
    first = context.RequestContext(
        correlation_id=facts.correlation_id, ip_address=facts.address if key else None, user_agent=facts.user_agent
    )
    with context.bind(first):
        recording.record(
            EventType.RATELIMIT_REFUSED,
            actor=Subject(id=facts.caller.user or "") if key else Subject(),
            outcome=Outcome.FAILURE,
            data={
                "policy": policy, "key": key or "others", "parts": parts, "refusals": refusals, "route": facts.route,
                "method": facts.method,
            },
            now=now,
        )  # fmt: skip


@receiver(signals.policy_changed, dispatch_uid="cedrina.record_policy_changes")
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
        EventType.RATELIMIT_POLICY_CHANGED,
        actor=Subject(id=author.id, name=author.name),
        data={
            "version": number, "change": change, "policy": policy, "before": before, "after": after, "note": reason,
        },
        now=now,
    )  # fmt: skip


@receiver(signals.shadow_reported, dispatch_uid="cedrina.record_shadow_reports")
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
        EventType.RATELIMIT_SHADOW_REPORT,
        data={
            "policy": policy, "began_at": began_at.isoformat(), "refused": refused, "keys": keys[:MOST_SHOWN],
            "samples": samples[:MOST_SHOWN],
        },
        now=now,
    )  # fmt: skip


@receiver(signals.store_failed, dispatch_uid="cedrina.record_store_failures")
def record_store_failures(*, reason: str, **_details: Any) -> None:
    """Record, outside of the request that noticed, that this process counts alone."""
    _defer(EventType.RATELIMIT_STORE_FAILED, Outcome.FAILURE, {"reason": reason})


@receiver(signals.store_recovered, dispatch_uid="cedrina.record_store_recoveries")
def record_store_recoveries(**_details: Any) -> None:
    """Record that all processes count together again."""
    _defer(EventType.RATELIMIT_STORE_RECOVERED, Outcome.SUCCESS, {})


def _defer(event_type: EventType, outcome: Outcome, data: dict[str, Any]) -> None:
    now = timezone.now()
    tally.defer(act=lambda: recording.record(event_type, outcome=outcome, data=data, now=now))
