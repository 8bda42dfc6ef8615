"""Failed attempts at passwords and second factors, and the clients that people have signed in from before.

All keys are keyed digests, so that the rows hold neither names nor addresses.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from django.db import connection, models
from django.utils.translation import gettext_lazy as _

from cedrina_base.prepared_statements import prepared_cursor
from security_events.event_cte import append_sql

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from ratelimiting.algorithms.backoff import Backoff
    from security_events.event_cte import AppendedEvent

FAILURES = "accounts_signinfailures"
KNOWN_CLIENTS = "accounts_familiarplace"

# Charge all counters of an attempt, or none when one of them is blocked. Keys are locked in their order, so that two
# attempts can't deadlock. The condition of the update checks again, because the statement's snapshot may be older than
# the charge of a concurrent attempt. The count and the wait are those of ratelimiting.algorithms.backoff, where `f` is
# the stored row and `excluded` the new one; a property test compares the two.
_CHARGE = """
WITH clock AS (SELECT %(now)s::timestamptz AS moment),
asked AS (
    SELECT * FROM unnest(
        %(keys)s::bytea[], %(pools)s::text[], %(free)s::int[], %(first)s::int[], %(longest)s::int[],
        %(forgiven)s::int[], %(most)s::int[]
    ) AS a(key, pool, free, first_wait, longest_wait, forgiven_after, most)
),
blocked AS (
    SELECT max(f.blocked_until) AS until FROM accounts_signinfailures f JOIN asked USING (key), clock
    WHERE f.blocked_until > moment
),
charged AS (
    INSERT INTO accounts_signinfailures AS f (
        key, pool, subject, free, first_wait, longest_wait, forgiven_after, most, count, counted_at
    )
    SELECT key, pool, CASE WHEN pool = 'network' THEN '' ELSE %(subject)s END, free, first_wait, longest_wait,
        forgiven_after, most, 1, moment
    FROM asked, clock, blocked WHERE blocked.until IS NULL ORDER BY key
    ON CONFLICT (key) DO UPDATE SET
        free = excluded.free, first_wait = excluded.first_wait, longest_wait = excluded.longest_wait,
        forgiven_after = excluded.forgiven_after, most = excluded.most, subject = excluded.subject,
        counted_at = excluded.counted_at,
        (count, blocked_until, locked_at) = (
            SELECT
                failures,
                CASE WHEN failures >= excluded.free THEN excluded.counted_at + make_interval(secs => LEAST(
                    excluded.longest_wait, excluded.first_wait::bigint << (failures - excluded.free)
                )) END,
                CASE WHEN failures >= excluded.free THEN COALESCE(f.locked_at, excluded.counted_at) END
            FROM (SELECT LEAST(excluded.most, 1 + GREATEST(0, f.count - GREATEST(0, floor(
                extract(epoch FROM excluded.counted_at - COALESCE(f.blocked_until, f.counted_at))
                / excluded.forgiven_after
            ))::int)) AS failures) AS counted
        )
    WHERE f.blocked_until IS NULL OR f.blocked_until <= excluded.counted_at
    RETURNING f.key, f.pool, f.count, f.blocked_until, f.locked_at
)
SELECT moment AS at, blocked.until AS blocked_until, (
    SELECT json_agg(json_build_object(
        'key', encode(key, 'hex'), 'pool', pool, 'count', count,
        'wait', extract(epoch FROM blocked_until - moment)::int, 'begins', locked_at IS NOT DISTINCT FROM moment
    )) FROM charged
) AS charged
FROM clock, blocked
"""
# Refund what an attempt was charged. A right answer resets the counters of a device and a session, which only their
# holder adds to. Those of a network and an account lose one failure only: otherwise a stranger in the owner's network
# could see that the owner has signed in.
_REFUND = """
UPDATE accounts_signinfailures f SET
    count = GREATEST(0, CASE WHEN own.is_shared THEN f.count - 1 ELSE 0 END),
    blocked_until = CASE
        WHEN own.is_shared AND f.count - 1 >= f.free AND f.counted_at <> %(charged_at)s THEN f.blocked_until END,
    locked_at = CASE
        WHEN own.is_shared AND f.count - 1 >= f.free AND f.locked_at <> %(charged_at)s THEN f.locked_at END
FROM (
    SELECT key, pool NOT IN ('device', 'session', 'factor_device', 'factor_session') OR %(was_unchecked)s AS is_shared
    FROM accounts_signinfailures
    WHERE key = ANY(%(refunded_keys)s::bytea[]) ORDER BY key FOR UPDATE
) own
WHERE f.key = own.key
"""
_LOCK_EXPIRED = append_sql(
    source="ended", columns={"target_id": "ended.subject", "data": "jsonb_build_object('pool', ended.pool)"}
)
_EXPIRE_LOCKS = f"""
WITH clock AS (SELECT %(now)s::timestamptz AS moment),
past AS (
    SELECT key FROM accounts_signinfailures, clock
    WHERE locked_at IS NOT NULL AND (blocked_until IS NULL OR blocked_until <= moment)
    ORDER BY key LIMIT 1000 FOR UPDATE OF accounts_signinfailures SKIP LOCKED
),
ended AS (
    UPDATE accounts_signinfailures f SET locked_at = NULL FROM past WHERE f.key = past.key RETURNING f.pool, f.subject
),
event AS ({_LOCK_EXPIRED})
SELECT count(*) FROM ended
"""  # noqa: S608 - parts of our own


class AttemptPool(models.TextChoices):
    """The counters of failed attempts. ``device`` is one that its owner has signed in with before."""

    ACCOUNT = "account", _("account, for strangers")
    PAIR = "pair", _("account and network")
    NETWORK = "network", _("network")
    DEVICE = "device", _("known device")
    SESSION = "session", _("session")
    FACTOR = "factor", _("second factor, for strangers")
    FACTOR_NETWORK = "factor_network", _("second factor and network")
    FACTOR_DEVICE = "factor_device", _("second factor on a known device")
    FACTOR_SESSION = "factor_session", _("second factor in a session")


FACTOR_POOLS = (AttemptPool.FACTOR, AttemptPool.FACTOR_NETWORK, AttemptPool.FACTOR_DEVICE, AttemptPool.FACTOR_SESSION)


@dataclass(frozen=True, slots=True)
class AttemptCounter:
    """One counter of an attempt: the pool, the key within the pool and the rule of its waits."""

    key: bytes
    pool: AttemptPool
    rule: Backoff


@dataclass(frozen=True, slots=True)
class AttemptCharge:
    """The result of charging an attempt.

    ``wait``: seconds until the next attempt is allowed; then nothing was charged. ``keys``: the counters that were
    charged. ``locks``: those that this attempt has locked.
    """

    at: datetime
    wait: int | None
    keys: tuple[bytes, ...] = ()
    locks: tuple[dict[str, Any], ...] = ()


class SignInFailuresManager(models.Manager["SignInFailures"]):
    def charge(self, counters: Sequence[AttemptCounter], *, subject: str, now: datetime) -> AttemptCharge:
        """Count an attempt as a failure in one statement, before it is checked; or return how long to wait.

        While a counter is blocked, nothing is written.
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
            return AttemptCharge(at, None, keys, tuple(row for row in charged if row["begins"]))
        if keys:
            self.refund(keys=keys, at=at, was_unchecked=True)
        until = blocked_until or self._blocked_until(counters) or at
        return AttemptCharge(at, max(1, int((until - at).total_seconds()) + 1))

    def refund(self, *, keys: Sequence[bytes], at: datetime, was_unchecked: bool = False) -> None:
        """Give back what an attempt was charged at ``at``: it was right, or never checked (``was_unchecked``)."""
        with connection.cursor() as cursor:
            cursor.execute(_REFUND, _refund_params(keys, at, was_unchecked=was_unchecked))

    def expire_locks(self, *, event: AppendedEvent, now: datetime) -> int:
        """Clear up to 1,000 locks whose wait has passed, with an event for each; return how many."""
        with connection.cursor() as cursor:
            cursor.execute(_EXPIRE_LOCKS, {**event.params, "now": now})
            return int(cursor.fetchone()[0])

    def clear(self, *, subject: str) -> int:
        """Reset all counters of one person; return how many were above zero."""
        return self.filter(subject=subject).exclude(count=0).update(count=0, blocked_until=None, locked_at=None)

    def _blocked_until(self, counters: Sequence[AttemptCounter]) -> datetime | None:
        found = self.filter(key__in=[counter.key for counter in counters], blocked_until__isnull=False)
        return found.order_by("-blocked_until").values_list("blocked_until", flat=True).first()


class SignInFailures(models.Model):
    """One counter of failed attempts, with the rule of its waits.

    ``subject`` is the person's id, empty for names that nobody has. ``locked_at`` is set from the event that a wait
    began until the event that it has ended.
    """

    key = models.BinaryField(primary_key=True, max_length=16, editable=False)
    pool = models.CharField(max_length=16, choices=AttemptPool)
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


class KnownClient(models.Model):
    """A network and a kind of client from which somebody has signed in with their present password."""

    key = models.BinaryField(primary_key=True, max_length=16, editable=False)
    seen_at = models.DateTimeField()

    class Meta:
        verbose_name = _("known client")
        verbose_name_plural = _("known clients")
        db_table = KNOWN_CLIENTS
        indexes = [models.Index(fields=["seen_at"], name="accounts_place_age_idx")]

    def __str__(self) -> str:
        return str(self.seen_at)


# Parts of the statement that records a sign-in (UserManager.record_sign_in), whose CTE `signed_in` has one row if it
# succeeded. A statement does not see what its own CTEs write, so this is whether the client was known before it.
WAS_KNOWN_CLIENT = "EXISTS (SELECT FROM accounts_familiarplace WHERE key = %(former_client_key)s)"
REFUND_IF_SIGNED_IN = f"{_REFUND} AND EXISTS (SELECT FROM signed_in)"
REMEMBER_CLIENT_IF_SIGNED_IN = """
INSERT INTO accounts_familiarplace (key, seen_at) SELECT %(client_key)s, last_login FROM signed_in
ON CONFLICT (key) DO UPDATE SET seen_at = excluded.seen_at
"""


def refund_and_remember_params(
    *, keys: Sequence[bytes], at: datetime | None, former_client_key: bytes, client_key: bytes
) -> dict[str, Any]:
    """Return the parameters of the three parts above.

    Both keys are of the same client. They differ when this sign-in upgrades the password's hash, which is
    part of the key.
    """
    return {
        **_refund_params(keys, at, was_unchecked=False),
        "former_client_key": former_client_key,
        "client_key": client_key,
    }


def _refund_params(keys: Sequence[bytes], at: datetime | None, *, was_unchecked: bool) -> dict[str, Any]:
    return {"refunded_keys": list(keys), "charged_at": at, "was_unchecked": was_unchecked}
