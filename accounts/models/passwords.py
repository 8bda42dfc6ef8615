"""How often a password or a second factor was guessed, and where somebody has signed in before.

No names, no addresses: keyed digests.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from django.db import connection, models
from django.utils.translation import gettext_lazy as _

from security_events.statements import prepared_cursor

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from ratelimiting.algorithms.backoff import Backoff
    from security_events.services.recording import Rider

FAILURES = "accounts_signinfailures"
PLACES = "accounts_familiarplace"

# The same as remaining_failures and charge in ratelimiting.algorithms.backoff, of the row `f` and at the moment of
# `excluded`.
_COUNT = (
    "LEAST(excluded.most, GREATEST(0, f.count - GREATEST(0, floor(extract(epoch FROM excluded.counted_at - "
    "COALESCE(f.blocked_until, f.counted_at)) / excluded.forgiven_after))::int) + 1)"
)
_WAIT = (
    f"CASE WHEN {_COUNT} >= excluded.free THEN excluded.counted_at + make_interval(secs => "
    f"LEAST(excluded.longest_wait, excluded.first_wait::bigint << ({_COUNT} - excluded.free))) END"
)
# All pools of an attempt are charged, in the order of their keys so that no two attempts wait for each other, or none.
# A row that is blocked by now refuses for itself: the snapshot may be older than another attempt's charge.
_CHARGE = f"""
WITH clock AS (SELECT COALESCE(%(now)s::timestamptz, statement_timestamp()) AS moment),
asked AS (
    SELECT * FROM unnest(
        %(keys)s::bytea[], %(pools)s::text[], %(free)s::int[], %(first)s::int[], %(longest)s::int[],
        %(forgiven)s::int[], %(most)s::int[]
    ) AS a(key, pool, free, first_wait, longest_wait, forgiven_after, most)
),
standing AS (
    SELECT max(f.blocked_until) AS blocked_until FROM {FAILURES} f JOIN asked USING (key), clock
    WHERE f.blocked_until > moment
),
charged AS (
    INSERT INTO {FAILURES} AS f (
        key, pool, subject, free, first_wait, longest_wait, forgiven_after, most, count, counted_at
    )
    SELECT key, pool, CASE WHEN pool = 'network' THEN '' ELSE %(subject)s END, free, first_wait, longest_wait,
        forgiven_after, most, 1, moment
    FROM asked, clock, standing WHERE standing.blocked_until IS NULL ORDER BY key
    ON CONFLICT (key) DO UPDATE SET
        free = excluded.free, first_wait = excluded.first_wait, longest_wait = excluded.longest_wait,
        forgiven_after = excluded.forgiven_after, most = excluded.most, subject = excluded.subject,
        count = {_COUNT}, counted_at = excluded.counted_at, blocked_until = {_WAIT},
        locked_at = CASE WHEN {_COUNT} >= excluded.free THEN COALESCE(f.locked_at, excluded.counted_at) END
    WHERE f.blocked_until IS NULL OR f.blocked_until <= excluded.counted_at
    RETURNING f.key, f.pool, f.count, f.blocked_until, f.locked_at
)
SELECT moment, standing.blocked_until, (
    SELECT json_agg(json_build_object(
        'key', encode(key, 'hex'), 'pool', pool, 'count', count,
        'wait', extract(epoch FROM blocked_until - moment)::int, 'begins', locked_at IS NOT DISTINCT FROM moment
    )) FROM charged
)
FROM clock, standing
"""  # noqa: S608 - our own names and numbers
# A right answer: what was charged is given back; the count of a device or a session, which nobody else adds to, begins
# anew. That of a network and an account does not: a stranger in the owner's network would see that somebody signed in.
_SETTLE = f"""
UPDATE {FAILURES} f SET
    count = GREATEST(0, CASE WHEN own.is_shared THEN f.count - 1 ELSE 0 END),
    blocked_until = CASE
        WHEN own.is_shared AND f.count - 1 >= f.free AND f.counted_at <> %(settled_at)s THEN f.blocked_until END,
    locked_at = CASE
        WHEN own.is_shared AND f.count - 1 >= f.free AND f.locked_at <> %(settled_at)s THEN f.locked_at END
FROM (
    SELECT key, pool NOT IN ('device', 'session', 'factor_device', 'factor_session') OR %(was_unchecked)s AS is_shared
    FROM {FAILURES}
    WHERE key = ANY(%(settled_keys)s::bytea[]) ORDER BY key FOR UPDATE
) own
WHERE f.key = own.key
"""  # noqa: S608
_OVER = f"""
WITH clock AS (SELECT COALESCE(%(now)s::timestamptz, statement_timestamp()) AS moment),
past AS (
    SELECT key FROM {FAILURES}, clock
    WHERE locked_at IS NOT NULL AND (blocked_until IS NULL OR blocked_until <= moment)
    ORDER BY key LIMIT 1000 FOR UPDATE OF {FAILURES} SKIP LOCKED
),
ended AS (UPDATE {FAILURES} f SET locked_at = NULL FROM past WHERE f.key = past.key RETURNING f.pool, f.subject),
event AS ({{event}})
SELECT count(*) FROM ended
"""  # noqa: S608


class Pool(models.TextChoices):
    """By what failures are counted. ``device``: one that its owner has signed in with before."""

    ACCOUNT = "account", _("account, for strangers")
    PAIR = "pair", _("account and network")
    NETWORK = "network", _("network")
    DEVICE = "device", _("known device")
    SESSION = "session", _("session")
    FACTOR = "factor", _("second factor, for strangers")
    FACTOR_NETWORK = "factor_network", _("second factor and network")
    FACTOR_DEVICE = "factor_device", _("second factor on a known device")
    FACTOR_SESSION = "factor_session", _("second factor in a session")


OF_FACTORS = (Pool.FACTOR, Pool.FACTOR_NETWORK, Pool.FACTOR_DEVICE, Pool.FACTOR_SESSION)


@dataclass(frozen=True, slots=True)
class Counter:
    """One pool that an attempt is counted in: its key and its rule."""

    key: bytes
    pool: Pool
    rule: Backoff


@dataclass(frozen=True, slots=True)
class Charged:
    """What became of an attempt: refused for ``wait`` seconds, or charged to pools, some of which it has locked."""

    at: datetime
    wait: int | None
    keys: tuple[bytes, ...] = ()
    locks: tuple[dict[str, Any], ...] = ()


class SignInFailuresManager(models.Manager["SignInFailures"]):
    def charge(self, counters: Sequence[Counter], *, subject: str, now: datetime | None) -> Charged:
        """Count an attempt as a failure before it is looked at, in one statement; or say how long to wait.

        While a wait runs nothing is written.
        """
        params: dict[str, Any] = {
            "now": now,
            "subject": subject,
            "keys": [counter.key for counter in counters],
            "pools": [counter.pool.value for counter in counters],
            "free": [counter.rule.free for counter in counters],
            "first": [counter.rule.first for counter in counters],
            "longest": [counter.rule.longest for counter in counters],
            "forgiven": [counter.rule.forgiven_after for counter in counters],
            "most": [counter.rule.most for counter in counters],
        }
        with prepared_cursor() as cursor:
            cursor.execute(_CHARGE, params)
            at, blocked_until, found = cursor.fetchone()
        charged = json.loads(found) if isinstance(found, str) else found or []
        keys = tuple(bytes.fromhex(row["key"]) for row in charged)
        if blocked_until is None and len(charged) == len(counters):
            return Charged(at, None, keys, tuple(row for row in charged if row["begins"]))
        if keys:
            self.settle(keys=keys, at=at, was_unchecked=True)
        until = blocked_until or self._blocked_until(counters) or at
        return Charged(at, max(1, int((until - at).total_seconds()) + 1))

    def settle(self, *, keys: Sequence[bytes], at: datetime, was_unchecked: bool = False) -> None:
        """Give back what an attempt was charged. ``was_unchecked``: nobody looked whether its password was right."""
        with connection.cursor() as cursor:
            cursor.execute(_SETTLE, _settlement(keys, at, was_unchecked=was_unchecked))

    def announce_over(self, *, event: Rider, now: datetime | None) -> int:
        """Note which locks have ended by themselves, with an event for each; return how many."""
        with connection.cursor() as cursor:
            cursor.execute(_OVER.format(event=event.sql), {**event.params, "now": now})
            return int(cursor.fetchone()[0])

    def clear(self, *, subject: str) -> int:
        """Forget all that is counted for one person; return in how many pools something was."""
        return self.filter(subject=subject).exclude(count=0).update(count=0, blocked_until=None, locked_at=None)

    def _blocked_until(self, counters: Sequence[Counter]) -> datetime | None:
        found = self.filter(key__in=[counter.key for counter in counters], blocked_until__isnull=False)
        return found.order_by("-blocked_until").values_list("blocked_until", flat=True).first()


class SignInFailures(models.Model):
    """What was guessed wrong lately under one key, with the rule that it is counted by.

    ``subject`` is the person's id, empty for names that nobody has. ``locked_at`` stands while a wait that was
    announced has not been announced to be over.
    """

    key = models.BinaryField(primary_key=True, max_length=16, editable=False)
    pool = models.CharField(max_length=16, choices=Pool)
    subject = models.CharField(max_length=64, blank=True)
    free = models.IntegerField()
    first_wait = models.IntegerField()
    longest_wait = models.IntegerField()
    forgiven_after = models.IntegerField()
    most = models.IntegerField()
    count = models.IntegerField()
    counted_at = models.DateTimeField()
    blocked_until = models.DateTimeField(null=True)
    locked_at = models.DateTimeField(null=True)

    objects: ClassVar[SignInFailuresManager] = SignInFailuresManager()

    class Meta:
        verbose_name = _("failed sign-ins")
        verbose_name_plural = _("failed sign-ins")
        db_table = FAILURES
        indexes = [
            models.Index(fields=["subject"], name="accounts_failures_subject_idx", condition=~models.Q(subject="")),
            models.Index(
                fields=["blocked_until"],
                name="accounts_failures_locked_idx",
                condition=models.Q(locked_at__isnull=False),
            ),
            models.Index(fields=["counted_at"], name="accounts_failures_age_idx"),
        ]
        constraints = [
            models.CheckConstraint(condition=models.Q(count__gte=0), name="accounts_failures_count_positive")
        ]

    def __str__(self) -> str:
        return f"{self.pool} {self.count}"


class FamiliarPlace(models.Model):
    """A network and a kind of client from which somebody has signed in with the password that they have now."""

    key = models.BinaryField(primary_key=True, max_length=16, editable=False)
    seen_at = models.DateTimeField()

    class Meta:
        verbose_name = _("familiar place")
        verbose_name_plural = _("familiar places")
        db_table = PLACES
        indexes = [models.Index(fields=["seen_at"], name="accounts_place_age_idx")]

    def __str__(self) -> str:
        return str(self.seen_at)


# Whether the place was familiar before: a statement does not see what its own CTEs write.
WAS_FAMILIAR = f"EXISTS (SELECT FROM {PLACES} WHERE key = %(settled_from)s)"


def settling(source: str, moment: str) -> str:
    """Return CTEs that settle an attempt and remember its place if ``source``, an earlier CTE, has a row.

    ``moment`` is the column that says when. To be bound: what ``settled`` returns.
    """
    settle = _SETTLE.replace("WHERE f.key = own.key", f"WHERE f.key = own.key AND EXISTS (SELECT FROM {source})")
    return (
        f"settled AS ({settle}), place AS (INSERT INTO {PLACES} (key, seen_at) "  # noqa: S608
        f"SELECT %(settled_place)s, {moment} FROM {source} ON CONFLICT (key) DO UPDATE SET seen_at = excluded.seen_at)"
    )


def settled(*, keys: Sequence[bytes], at: datetime | None, former_place: bytes, place: bytes) -> dict[str, Any]:
    """Return what ``settling`` and ``WAS_FAMILIAR`` need to be bound.

    Both places are the same one, which has another key when the password's hash is upgraded by this sign-in.
    """
    return {**_settlement(keys, at, was_unchecked=False), "settled_from": former_place, "settled_place": place}


def _settlement(keys: Sequence[bytes], at: datetime | None, *, was_unchecked: bool) -> dict[str, Any]:
    return {"settled_keys": list(keys), "settled_at": at, "was_unchecked": was_unchecked}
