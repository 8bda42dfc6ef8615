"""How many passwords may be tried, by whom: strangers wait, the owner's own devices don't.

An attempt is counted as a failure before its password is looked at and given back when it was right; so of any number
of simultaneous guesses exactly as many are checked as may be. Strangers are counted by account, by account and
network, and by network; a known device and a session have counts of their own, that nobody else can fill.

These counts are not named limits of ``ratelimiting``: how often somebody's password was guessed is a truth about an
identity. It lives in PostgreSQL, in the transaction that signs in, outlives Redis, and is the same for all processes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from accounts import known_devices
from accounts.conf import account_settings
from accounts.errors import AttemptsExhausted, HashingBusy
from accounts.identifiers import name_key
from accounts.models import FamiliarPlace, SignInFailures, User
from accounts.models.passwords import FAILURES, PLACES, Charged, Counter, Pool
from accounts.services.administration import rights
from accounts.services.passwords import hashing
from ratelimiting.client_addresses.networks import counted_network, normalise
from ratelimiting.detection import evasion
from security_events.catalogue import EventType, Outcome
from security_events.services import recording
from security_events.types import Subject
from tokens.types import ClientContext
from tokens.users import subject_of

_KEPT = timedelta(days=5)  # longer than any rule takes to forgive all
_BATCH = 1000
_RISK = {Pool.ACCOUNT: 50, Pool.PAIR: 40, Pool.NETWORK: 60, Pool.DEVICE: 70, Pool.SESSION: 70}


@dataclass(frozen=True, slots=True)
class Attempt:
    """One password that may be checked, and what was charged for it.

    ``is_known``: it is shown on a known device or in a session.
    """

    charged: Charged
    subject: Subject
    is_known: bool = False
    account: bytes = b""
    network: str = ""
    user_agent: str = ""


def begin(
    *, name: str, user: User | None, client: ClientContext, device_token: str = "", now: datetime | None = None
) -> Attempt:
    """Count one try at a name's password, whoever has the name or nobody; the caller may then check it once.

    Counted by the name that was given, so that a name and an address don't give away that they belong together; all
    spellings of an address are one. Where the owner has signed in before makes no difference, or their neighbours would
    learn it: only the device's own cookie does.

    Raises: AttemptsExhausted.
    """
    device = known_devices.recognise(device_token, user=user, now=now or timezone.now())
    key = name_key(name)
    network = counted_network(normalise(client.ip_address or ""))
    digest, rules = known_devices.digest, account_settings.SIGN_IN_BACKOFF
    account = digest("account", key)
    counters = [
        Counter(account, Pool.ACCOUNT, rules["account"]),
        Counter(digest("pair", key, network), Pool.PAIR, rules["pair"]),
        Counter(digest("network", network), Pool.NETWORK, rules["network"]),
    ]
    if device is not None:
        counters = [Counter(digest("device", device.hex()), Pool.DEVICE, rules["device"])]
    subject = subject_of(user) if user else Subject(name=key)
    charged = SignInFailures.objects.charge(counters, subject=subject.id, now=now)
    return _admitted(
        Attempt(
            charged,
            subject,
            is_known=device is not None,
            account=account,
            network=network,
            user_agent=client.user_agent,
        )
    )


def begin_in_session(*, user: User, session_id: UUID, now: datetime | None = None) -> Attempt:
    """Count one try at the password of somebody who is signed in; the count is the session's alone.

    Raises: AttemptsExhausted.
    """
    key = known_devices.digest("session", str(user.pk), str(session_id))
    rule = account_settings.SIGN_IN_BACKOFF["session"]
    charged = SignInFailures.objects.charge([Counter(key, Pool.SESSION, rule)], subject=str(user.pk), now=now)
    return _admitted(Attempt(charged, subject_of(user), is_known=True))


def check(*, attempt: Attempt, password: str, digest: str | None, now: datetime | None = None) -> hashing.Verdict:
    """Compare the one password that was counted with a stored hash; record the waits that begin when it is wrong.

    Raises: HashingBusy, and then nothing stays counted.
    """
    try:
        owner = attempt.subject.id if attempt.is_known else ""
        verdict = hashing.check(password=password, digest=digest, owner=owner)
    except HashingBusy:
        SignInFailures.objects.settle(keys=attempt.charged.keys, at=attempt.charged.at, was_unchecked=True)
        raise
    if not verdict.is_right:
        _watch(attempt)
        _record_locks(attempt, now=now)
    return verdict


def check_in_session(*, user: User, session_id: UUID, password: str, digest: str, now: datetime | None = None) -> bool:
    """Tell whether the password is right that somebody shows in the middle of a session.

    All calls whose bodies carry a password ask here, so that whoever has stolen a session guesses with all of them
    together as often as with one, and nobody else is made to wait.

    Raises: AttemptsExhausted, HashingBusy.
    """
    attempt = begin_in_session(user=user, session_id=session_id, now=now)
    is_right = check(attempt=attempt, password=password, digest=digest, now=now).is_right
    if is_right:
        succeed(attempt=attempt)
    return is_right


def succeed(*, attempt: Attempt) -> None:
    """Give back what was charged, because the password was right. ``admit`` does so in a statement of its own."""
    SignInFailures.objects.settle(keys=attempt.charged.keys, at=attempt.charged.at)


def remember(*, user: User, password_digest: str, client: ClientContext, now: datetime | None = None) -> None:
    """Remember from where somebody has signed in, so that they are told of sign-ins from elsewhere."""
    key = known_devices.place(user=user, password_digest=password_digest, client=client)
    at = now or timezone.now()
    FamiliarPlace.objects.bulk_create(
        [FamiliarPlace(key=key, seen_at=at)], update_conflicts=True, unique_fields=["key"], update_fields=["seen_at"]
    )


def unlock(*, user: User, by: User | None = None, reason: str = "", now: datetime | None = None) -> int:
    """End every wait of one person on behalf of an operator; return how many counts were cleared.

    Raises: NotAllowed, MoreRights.
    """
    with rights.acting(by=by, on=user, action="users:change"):
        cleared = SignInFailures.objects.clear(subject=str(user.pk))
        if cleared:
            recording.record(
                EventType.SIGN_IN_UNLOCKED,
                actor=subject_of(by) if by else Subject(),
                target=subject_of(user),
                data={"note": reason, "counts": cleared},
                now=now,
            )
    return cleared


def announce_expired_locks(*, now: datetime | None = None) -> int:
    """Record for each lock that has ended by itself that it has; return how many did."""
    event = recording.Rider(
        EventType.SIGN_IN_LOCK_EXPIRED,
        source="ended",
        columns={"target_id": "ended.subject", "data": "jsonb_build_object('pool', ended.pool)"},
        now=now,
    )
    with transaction.atomic():
        ended = SignInFailures.objects.announce_over(event=event, now=now)
        if ended:
            event.announce(data={"locks": ended})
    return ended


def purge(*, now: datetime, progress: Callable[[int], None] | None = None) -> int:
    """Forget, in batches, failures that are forgiven and places that were not seen for long; return how many."""
    purged = 0
    for table, condition, before in (
        (FAILURES, "counted_at < %s AND locked_at IS NULL", now - _KEPT),
        (PLACES, "seen_at < %s", now - known_devices.REMEMBERED),
    ):
        sql = f"DELETE FROM {table} WHERE key IN (SELECT key FROM {table} WHERE {condition} LIMIT {_BATCH})"  # noqa: S608
        deleted = _BATCH
        while deleted == _BATCH:
            with connection.cursor() as cursor:
                cursor.execute(sql, [before])
                deleted = cursor.rowcount
            purged += deleted
            if progress:
                progress(purged)
    return purged


def _record_locks(attempt: Attempt, *, now: datetime | None) -> None:
    for lock in attempt.charged.locks:
        is_shared = lock["pool"] == Pool.NETWORK
        recording.record(
            EventType.SIGN_IN_LOCKED,
            target=Subject() if is_shared else attempt.subject,
            outcome=Outcome.FAILURE,
            risk_score=_RISK[Pool(lock["pool"])],
            reasons=[f"{lock['pool']}_failures"],
            data={"pool": lock["pool"], "failures": lock["count"], "seconds": lock["wait"]},
            now=now,
        )


def _admitted(attempt: Attempt) -> Attempt:
    if attempt.charged.wait is not None:
        _watch(attempt)
        raise AttemptsExhausted(retry_after=attempt.charged.wait)
    return attempt


def _watch(attempt: Attempt) -> None:
    if attempt.account:
        evasion.count_failed_sign_in(account=attempt.account, network=attempt.network, user_agent=attempt.user_agent)
