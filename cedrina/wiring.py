"""Connect apps that must not import each other.

``connect`` records the signals of ``ratelimiting`` as security events. Other connections are dotted paths in
``cedrina/settings/base.py``; each app documents its hooks in its ``conf.py``:

===============================================  ====================================================
hook                                             connected to
===============================================  ====================================================
``TOKENS["ROLES"]``, ``["TIER"]``, ``["MAY"]``   ``accounts.access.decisions``
``ACCOUNTS["WHILE_HASHING"]``                    ``cedrina.serving.connection_pool.connection_released``
``ACCOUNTS["WHILE_WAITING"]``                    ``cedrina.serving.connection_pool.connection_released``
``RATELIMITING["CALLER"]``                       ``cedrina.rate_limits.caller_of``
``RATELIMITING["KEYS"]``                         ``cedrina.rate_limits``: ``account_of``, ``family_of``, ``network_of``
``RATELIMITING["REFUSAL"]``                      ``cedrina.rate_limits.refusal``
``RATELIMITING["MAY"]``                          ``accounts.access.decisions.may``
``REST_FRAMEWORK["EXCEPTION_HANDLER"]``          ``cedrina.http.problems.problem_handler``
``REST_FRAMEWORK["DEFAULT_SCHEMA_CLASS"]``       ``cedrina.openapi.schema.ProblemAutoSchema``
``SPECTACULAR_SETTINGS["POSTPROCESSING_HOOKS"]`` ``cedrina.openapi.schema.describe_problems``
``LOGGING_CONFIG``                               ``cedrina.operations.logging.configure``
``PROCRASTINATE_IMPORT_PATHS``                   ``cedrina.operations.jobs``
``CSRF_FAILURE_VIEW``, ``handler400`` to 500     ``cedrina.http.error_views``
===============================================  ====================================================
"""

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
    """Connect the signals. The app config calls it once, at the start."""
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
    """Record that a key was refused, with the number of refusals and the first refused request."""
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
    """Record the change of a policy: its author, the policy before and after, and the reason."""
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
    """Record that this process counts limits alone, because Redis failed. It is recorded after the request."""
    _defer(event_types.RATELIMIT_STORE_FAILED, Outcome.FAILURE, {"reason": reason})


def record_store_recoveries(**_details: Any) -> None:
    """Record that Redis counts limits for all processes again."""
    _defer(event_types.RATELIMIT_STORE_RECOVERED, Outcome.SUCCESS, {})


def record_mistake(*, mistake: Mistake, address: str | None, data: Mapping[str, Any], now: datetime, **_: Any) -> None:
    """Log a misconfiguration, and record it as an event, once an hour for all processes."""
    log.warning("operator_mistake", mistake=mistake.value, sentence=SENTENCES[mistake], address=address, **data)
    event_type = MISTAKES[mistake]
    with transaction.atomic():
        # The lock serialises processes that notice it at the same moment.
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        if SecurityEvent.objects.filter(type=event_type.id, occurred_at__gt=now - SAID_AGAIN_AFTER).exists():
            return
        recording.record(event_type, reasons=[str(mistake)], data={"address": address or "", **data}, now=now)


def record_evasion(
    *, evasion: Evasion, score: int, reasons: Sequence[str], data: Mapping[str, Any], now: datetime, **_: Any
) -> None:
    """Record a suspected evasion of limits, once a minute for all processes."""
    deduplication.record(
        EVASIONS[evasion], outcome=Outcome.SUCCESS, risk_score=score, reasons=reasons, data=data, now=now
    )


def _defer(event_type: EventType, outcome: Outcome, data: dict[str, Any]) -> None:
    now = timezone.now()
    tally.defer(act=lambda: recording.record(event_type, outcome=outcome, data=data, now=now))
