"""Store what was noted of decisions, and delete what is too old or too much."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from accounts.access.conf import access_settings
from accounts.access.deciding.index import ROLE
from accounts.access.known_permissions import KNOWN_PERMISSIONS
from accounts.access.models import DecisionCount, DecisionRecord, GrantUse, PolicyRule, RuleUse
from accounts.access.services.records import observing
from accounts.access.services.records.observing import LONGEST_SUBJECT, Noted, NotedDecision, storable
from cedrina_base.batch_deletion import delete_in_batches
from cedrina_base.uuids import uuid7

# Of all processes together: so many records a minute at most, half of them of allowed decisions, and so many in all.
# A record takes 6 KiB at most and mostly 300 bytes, so the table stays below 3 GiB under the worst flood.
MOST_IN_A_MINUTE, MOST_RECORDS = 300, 500_000
USES_KEPT = timedelta(days=400)
_MINUTE = timedelta(minutes=1)

_ADD_RULE_USES = """
INSERT INTO access_ruleuse AS stored (rule, uses, last_used_at) VALUES (%s, %s, %s)
ON CONFLICT (rule) DO UPDATE SET uses = stored.uses + excluded.uses, last_used_at = excluded.last_used_at
"""
_ADD_GRANT_USES = """
INSERT INTO access_grantuse AS stored (id, subject, role, uses, last_used_at) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (subject, role) DO UPDATE SET uses = stored.uses + excluded.uses, last_used_at = excluded.last_used_at
"""
_ADD_COUNTS = """
INSERT INTO access_decisioncount AS stored (day, decisions, recorded, dropped, uncounted) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (day) DO UPDATE SET
    decisions = stored.decisions + excluded.decisions, recorded = stored.recorded + excluded.recorded,
    dropped = stored.dropped + excluded.dropped, uncounted = stored.uncounted + excluded.uncounted
"""


def write(*, now: datetime) -> int:
    """Store what this process has noted, in one transaction; return the number of records.

    If that fails the counts are kept for the next time.
    """
    noted = observing.take()
    if noted is None:
        return 0
    try:
        with transaction.atomic():
            return _store(noted, now)
    except Exception:
        observing.put_back(noted)
        raise


def purge(*, now: datetime) -> int:
    """Delete records that are older than ``RECORD_RETENTION`` or more than ``MOST_RECORDS``, and uses of long ago."""
    rows = DecisionRecord.objects.all()
    deleted = delete_in_batches(rows.filter(recorded_at__lt=now - access_settings.RECORD_RETENTION))
    newest_too_many = rows.order_by("-recorded_at").values_list("recorded_at", flat=True)[MOST_RECORDS:][:1]
    for bound in newest_too_many:
        deleted += delete_in_batches(rows.filter(recorded_at__lte=bound))
    GrantUse.objects.filter(last_used_at__lt=now - USES_KEPT).delete()
    RuleUse.objects.filter(last_used_at__lt=now - USES_KEPT).delete()
    DecisionCount.objects.filter(day__lt=(now - USES_KEPT).date()).delete()
    return deleted


def _store(noted: Noted, now: datetime) -> int:
    _add_uses(noted, now)
    wanted = _within_bounds(noted, now)
    DecisionRecord.objects.bulk_create(_record(each, now) for each in wanted)
    dropped = noted.dropped + len(noted.allows) + len(noted.denials) - len(wanted)
    with connection.cursor() as cursor:
        cursor.execute(_ADD_COUNTS, [now.date(), noted.decisions, len(wanted), dropped, noted.uncounted])
    return len(wanted)


def _within_bounds(noted: Noted, now: datetime) -> list[NotedDecision]:
    """Return what all processes together may still record in this minute."""
    lately = DecisionRecord.objects.filter(recorded_at__gt=now - _MINUTE)
    most = MOST_IN_A_MINUTE // 2
    allows, denials = (max(0, most - lately.filter(is_allowed=is_allowed).count()) for is_allowed in (True, False))
    return [*noted.allows[:allows], *list(noted.denials.values())[:denials]]


def _record(noted: NotedDecision, now: datetime) -> DecisionRecord:
    return DecisionRecord(
        id=uuid7(),
        recorded_at=now,
        at=noted.at,
        subject=noted.subject,
        object=noted.object,
        action=noted.action,
        evaluated=noted.text,
        is_allowed=noted.decision.is_allowed,
        reason=noted.decision.reason,
        rule=noted.decision.rule or "",
        version=noted.decision.version,
        times=noted.times,
    )


def _add_uses(noted: Noted, now: datetime) -> None:
    # In one order, so that two processes never wait for each other.
    rules = [(rule, uses, now) for rule, uses in sorted(noted.rules.items())]
    roles = _roles_of(noted.rules)
    of_grants: dict[tuple[str, str], int] = {}
    for (rule, subject), uses in noted.pairs.items():
        if rule in roles:
            key = storable(subject, LONGEST_SUBJECT), roles[rule]
            of_grants[key] = of_grants.get(key, 0) + uses
    grants = [(uuid7(), subject, role, uses, now) for (subject, role), uses in sorted(of_grants.items())]
    _execute(_ADD_RULE_USES, rules)
    _execute(_ADD_GRANT_USES, grants)


def _execute(statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(statement, rows)


def _roles_of(rules: Iterable[str]) -> dict[str, str]:
    """Return the role that each of the rules is about; those about a subject by its name are left out."""
    found = {rule: rule for rule in rules if rule in KNOWN_PERMISSIONS}
    stored = [rule for rule in rules if rule not in found and _is_uuid(rule)]
    for pk, subject in PolicyRule.objects.filter(pk__in=stored).values_list("pk", "subject"):
        if subject.startswith(ROLE):
            found[str(pk)] = subject.removeprefix(ROLE)
    return found


def _is_uuid(text: str) -> bool:
    try:
        return bool(UUID(text))
    except ValueError:
        return False
