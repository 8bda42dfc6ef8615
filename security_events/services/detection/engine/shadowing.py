"""Report what rules in shadow mode find, and what enforcing them would do: nothing else happens."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime

from django.db import connection

from cedrina_base.prepared_statements import prepared_cursor
from security_events import event_types
from security_events.detection.facts import Fact
from security_events.services import recording
from security_events.services.detection import responses
from security_events.services.detection.incidents import Cause
from security_events.types import Subject

_COUNT = """
INSERT INTO security_events_shadowcount AS counted (rule, day, findings) VALUES (%(rule)s, %(day)s, %(findings)s)
ON CONFLICT (rule, day) DO UPDATE SET findings = counted.findings + EXCLUDED.findings
"""
_REPORT = """
INSERT INTO security_events_shadowreport (rule, key, hour)
VALUES (%(rule)s, %(key)s, date_trunc('hour', %(at)s::timestamptz, 'UTC')) ON CONFLICT DO NOTHING RETURNING id
"""
_FORGET = "DELETE FROM security_events_shadowreport WHERE hour < %(now)s::timestamptz - interval '1 day'"


def report(cause: Cause, *, findings: Mapping[date, int], now: datetime) -> None:
    """Count the findings of each day, and record an event: one for each rule, key and hour.

    So an attack of any length makes few events, and the count has all of it.
    """
    with prepared_cursor() as cursor:
        for day, number in findings.items():
            cursor.execute(_COUNT, {"rule": cause.rule.id, "day": day, "findings": number})
        cursor.execute(_REPORT, {"rule": cause.rule.id, "key": cause.key, "at": cause.events[-1][1]})
        if cursor.fetchone() is None:
            return
    recording.record(
        event_types.FINDING_SHADOWED,
        target=Subject(id=cause.subject if cause.is_account else ""),
        session_id=cause.session_id,
        data={
            "rule": cause.rule.id,
            "rule_version": cause.rule_version,
            "evidence": cause.evidence,
            "responses": [str(kind) for kind in responses.intended(cause)],
            "trigger": str(cause.events[-1][0]),
        },
        now=now,
    )


def forget_reports(*, now: datetime) -> None:
    """Delete what only says which events were recorded in hours that are over."""
    with connection.cursor() as cursor:
        cursor.execute(_FORGET, {"now": now})


def by_day(triggers: Sequence[Fact]) -> Mapping[date, int]:
    """Return how many triggers each day has, in UTC."""
    return Counter(map(_day, triggers))


def _day(fact: Fact) -> date:
    return datetime.fromtimestamp(fact.at, UTC).date()
