"""Limit how many passwords may be tried (OWASP ASVS 5.0, 6.3.1). Strangers have to wait, the owner's devices don't.

An attempt is charged as a failure before its password is checked, and refunded when the password was right. So exactly
as many of any number of simultaneous guesses are checked as the rules allow. Strangers are counted by account, by
account and network, and by network. A known device and a session have counters of their own, which nobody else can use
up.

These counters are not policies of ``ratelimiting``: they belong to an identity, are stored in PostgreSQL, change in the
transaction that signs in, survive the loss of Redis and are the same for all processes.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from accounts import event_types
from accounts.client_tokens import known_devices
from accounts.conf import account_settings
from accounts.errors import AttemptsExhausted, HashingBusy
from accounts.identifiers.names import name_key
from accounts.models import KnownClient, SignInFailures, User
from accounts.models.passwords import AttemptCharge, AttemptCounter, AttemptPool
from accounts.services.administration import authorization
from accounts.services.passwords import hashing
from cedrina_base.batch_deletion import delete_in_batches
from ratelimiting.client_addresses.networks import counted_network, normalise
from ratelimiting.detection import evasion
from security_events.event_cte import AppendedEvent
from security_events.services import recording
from security_events.types import Outcome, Subject
from tokens.types import ClientContext
from tokens.users import subject_of

_KEPT = timedelta(days=5)  # longer than any rule takes to forgive all
_RISK = {
    AttemptPool.ACCOUNT: 50,
    AttemptPool.PAIR: 40,
    AttemptPool.NETWORK: 60,
    AttemptPool.DEVICE: 70,
    AttemptPool.SESSION: 70,
}


@dataclass(frozen=True, slots=True)
class PasswordAttempt:
    """Permission to check one password, and what was charged for it.

    ``is_known``: the password comes from a known device or a session. ``device_used_at``: when the known device has
    signed in last.
    """

    charged: AttemptCharge
    subject: Subject
    is_known: bool = False
    account: bytes = b""
    network: str = ""
    user_agent: str = ""
    device_used_at: datetime | None = None


def charge(
    *, name: str, user: User | None, client: ClientContext, device_token: str = "", now: datetime
) -> PasswordAttempt:
    """Charge one attempt at the password of ``name``, whether or not anybody has that name. It allows one check.

    The account's counter is that of the name as given, so that nobody learns which username belongs to which address.
    All spellings of an address count as one. The network makes no difference to who has to wait, because a neighbour of
    the owner could find out by it where the owner signs in; only the device's cookie does.

    Raises: AttemptsExhausted.
    """
    device = known_devices.recognise(device_token, user=user, now=now)
    key = name_key(name)
    network = counted_network(normalise(client.ip_address or ""))
    digest, rules = known_devices.digest, account_settings.SIGN_IN_BACKOFF
    account = digest("account", key)
    counters = [
        AttemptCounter(account, AttemptPool.ACCOUNT, rules["account"]),
        AttemptCounter(digest("pair", key, network), AttemptPool.PAIR, rules["pair"]),
        AttemptCounter(digest("network", network), AttemptPool.NETWORK, rules["network"]),
    ]
    if device is not None:
        counters = [AttemptCounter(digest("device", device.hex()), AttemptPool.DEVICE, rules["device"])]
    subject = subject_of(user) if user else Subject(name=key)
    charged = SignInFailures.objects.charge(counters, subject=subject.id, now=now)
    return _require_not_blocked(
        PasswordAttempt(
            charged,
            subject,
            is_known=device is not None,
            account=account,
            network=network,
            user_agent=client.user_agent,
            device_used_at=known_devices.used_at(device_token) if device is not None else None,
        )
    )


def charge_in_session(*, user: User, session_id: UUID, now: datetime) -> PasswordAttempt:
    """Charge one attempt at the password of the person behind a session to that session's own counter.

    Raises: AttemptsExhausted.
    """
    key = known_devices.digest("session", str(user.pk), str(session_id))
    rule = account_settings.SIGN_IN_BACKOFF["session"]
    charged = SignInFailures.objects.charge(
        [AttemptCounter(key, AttemptPool.SESSION, rule)], subject=str(user.pk), now=now
    )
    return _require_not_blocked(PasswordAttempt(charged, subject_of(user), is_known=True))


def check_password(
    *, attempt: PasswordAttempt, password: str, digest: str | None, now: datetime
) -> hashing.PasswordCheck:
    """Compare the password of a charged attempt with a stored hash. If it is wrong, record each lock that begins.

    Raises: HashingBusy; the attempt is refunded before.
    """
    try:
        owner = attempt.subject.id if attempt.is_known else ""
        check = hashing.check(password=password, digest=digest, owner=owner)
    except HashingBusy:
        SignInFailures.objects.refund(keys=attempt.charged.keys, at=attempt.charged.at, was_unchecked=True)
        raise
    if not check.is_right:
        count_as_wrong(attempt=attempt, now=now)
    return check


def count_as_wrong(*, attempt: PasswordAttempt, now: datetime) -> None:
    """Leave a charged attempt charged, as one at a wrong password, and record each lock that begins by it."""
    _note_for_evasion(attempt)
    _record_locks(attempt, now=now)


def refund(*, attempt: PasswordAttempt) -> None:
    """Give back what was charged, because the password was right.

    ``password_sign_in.complete_sign_in`` does not need it: the statement that records a sign-in refunds the attempt.
    """
    SignInFailures.objects.refund(keys=attempt.charged.keys, at=attempt.charged.at)


def remember_client(*, user: User, password_digest: str, client: ClientContext, now: datetime) -> None:
    """Store the client that somebody has signed in from, so that sign-ins from other clients are reported by mail."""
    key = known_devices.client_key(user=user, password_digest=password_digest, client=client)
    KnownClient.objects.bulk_create(
        [KnownClient(key=key, seen_at=now)], update_conflicts=True, unique_fields=["key"], update_fields=["seen_at"]
    )


def unlock(*, user: User, by: User | None = None, reason: str = "", now: datetime) -> int:
    """Reset all counters of one person on behalf of an operator; return how many were reset.

    Raises: NotAllowed, InsufficientPrivileges.
    """
    with authorization.authorize(actor=by, target=user, action="users:change"):
        cleared = SignInFailures.objects.clear(subject=str(user.pk))
        if cleared:
            recording.record(
                event_types.SIGN_IN_UNLOCKED,
                actor=subject_of(by) if by else Subject(),
                target=subject_of(user),
                data={"note": reason, "counts": cleared},
                now=now,
            )
    return cleared


def record_expired_locks(*, now: datetime) -> int:
    """Record an event for each lock whose wait has passed; return how many there were."""
    event = AppendedEvent(event_types.SIGN_IN_LOCK_EXPIRED, now=now)
    with transaction.atomic():
        ended = SignInFailures.objects.expire_locks(event=event, now=now)
        if ended:
            event.announce(data={"locks": ended})
    return ended


def purge(*, now: datetime) -> int:
    """Delete, in batches, counters that have decayed to zero and clients not seen for long; return how many."""
    decayed = SignInFailures.objects.filter(counted_at__lt=now - _KEPT, locked_at=None)
    unseen = KnownClient.objects.filter(seen_at__lt=now - known_devices.REMEMBERED)
    return delete_in_batches(decayed) + delete_in_batches(unseen)


def _record_locks(attempt: PasswordAttempt, *, now: datetime) -> None:
    for lock in attempt.charged.locks:
        is_shared = lock["pool"] == AttemptPool.NETWORK
        recording.record(
            event_types.SIGN_IN_LOCKED,
            target=Subject() if is_shared else attempt.subject,
            outcome=Outcome.FAILURE,
            risk_score=_RISK[AttemptPool(lock["pool"])],
            reasons=[f"{lock['pool']}_failures"],
            data={"pool": lock["pool"], "failures": lock["count"], "seconds": lock["wait"]},
            now=now,
        )


def _require_not_blocked(attempt: PasswordAttempt) -> PasswordAttempt:
    if attempt.charged.wait is not None:
        _note_for_evasion(attempt)
        raise AttemptsExhausted(retry_after=attempt.charged.wait)
    return attempt


def _note_for_evasion(attempt: PasswordAttempt) -> None:
    if attempt.account:
        evasion.count_failed_sign_in(account=attempt.account, network=attempt.network, user_agent=attempt.user_agent)
