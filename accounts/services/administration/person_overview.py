"""What the admin's page of a person shows of their account at this moment.

Each function takes a fixed number of statements and returns a bounded number of rows, however long a history is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils.functional import Promise

from accounts import selectors
from accounts.client_tokens import known_devices
from accounts.models import KnownClient, MailedToken, PendingRegistration, SignInFailures, User
from ratelimiting.client_addresses.networks import normalise, surrounding_network
from tokens import devices
from tokens import selectors as token_selectors
from tokens.models import Session, SessionKind
from tokens.types import ClientContext

MOST_SESSIONS = 20
MOST_REQUESTS = 20
# The devices of a person are found in this many of their latest sessions. Ended sessions are kept for a month or two.
MOST_SESSIONS_READ = 200


@dataclass(frozen=True, slots=True)
class PersonDevice:
    """A kind of client in one network, from which a person has signed in.

    ``name`` may be empty. ``is_known``: a sign-in from it with the present password is not notified by mail.
    """

    name: str
    network: str
    sessions: int
    first_seen_at: datetime
    last_seen_at: datetime
    is_known: bool


@dataclass(frozen=True, slots=True)
class FailureCounter:
    """Failed attempts that count against a person. ``blocked_until`` lies ahead, or is ``None``."""

    pool: str | Promise
    count: int
    counted_at: datetime
    blocked_until: datetime | None


@dataclass(frozen=True, slots=True)
class WaitingRequest:
    """A mailed link that can still be used, or a registration that waits for its address to be confirmed."""

    id: UUID
    purpose: str | Promise
    address: str
    created_at: datetime
    expires_at: datetime
    is_registration: bool = False


def open_sessions(*, user: User, now: datetime) -> Sequence[Session]:
    """Return the person's live sessions, the newest first."""
    return list(token_selectors.live_sessions(user_id=user.pk, now=now)[:MOST_SESSIONS])


def known_clients(*, user: User) -> Sequence[PersonDevice]:
    """Return the devices of the person's latest sessions, the one that was used last first.

    The rows of known clients are keyed digests that name no owner, so those of the devices found are looked up.
    """
    digest = selectors.password_digest(user_id=user.pk)
    found: dict[bytes, list[Session]] = {}
    for session in token_selectors.sessions_of(user_id=user.pk)[:MOST_SESSIONS_READ]:
        client = ClientContext(ip_address=session.ip_address, user_agent=session.user_agent)
        key = known_devices.client_key(user=user, password_digest=digest, client=client)
        found.setdefault(key, []).append(session)
    rows = KnownClient.objects.filter(key__in=list(found)).values_list("key", flat=True)
    known = {bytes(key) for key in rows}
    listed = [_device(sessions, is_known=key in known) for key, sessions in found.items()]
    return sorted(listed, key=lambda device: device.last_seen_at, reverse=True)[:MOST_SESSIONS]


def failure_counters(*, user: User, now: datetime) -> Sequence[FailureCounter]:
    """Return the counters of failed attempts that are not zero, the latest attempt first."""
    rows = SignInFailures.objects.filter(subject=str(user.pk), count__gt=0).order_by("-counted_at")[:MOST_REQUESTS]
    return [
        FailureCounter(
            pool=row.get_pool_display(),
            count=row.count,
            counted_at=row.counted_at,
            blocked_until=row.blocked_until if row.blocked_until and row.blocked_until > now else None,
        )
        for row in rows
    ]


def waiting_requests(*, user: User, now: datetime) -> Sequence[WaitingRequest]:
    """Return what waits for a click in a mail to the person, the newest first: links, and registrations."""
    tokens = MailedToken.objects.filter(user_id=user.pk, used_at__isnull=True, expires_at__gt=now)
    registrations = PendingRegistration.objects.living(at=now).filter(email_folded=user.email_folded)
    waiting = [
        *(
            WaitingRequest(
                id=row.pk,
                purpose=row.get_purpose_display(),
                address=row.address,
                created_at=row.created_at,
                expires_at=row.expires_at,
            )
            for row in tokens.defer("digest", "bound_to").order_by("-pk")[:MOST_REQUESTS]
        ),
        *(
            WaitingRequest(
                id=row.pk,
                purpose=PendingRegistration._meta.verbose_name or "",
                address=row.email,
                created_at=row.created_at,
                expires_at=row.expires_at,
                is_registration=True,
            )
            for row in registrations.defer("password").order_by("-created_at", "-pk")[:MOST_REQUESTS]
        ),
    ]
    return sorted(waiting, key=lambda request: request.created_at, reverse=True)


def _device(sessions: Sequence[Session], *, is_known: bool) -> PersonDevice:
    newest = sessions[0]
    return PersonDevice(
        name=devices.device_name(newest.user_agent, is_admin=newest.kind == SessionKind.ADMIN),
        network=surrounding_network(normalise(newest.ip_address or "")),
        sessions=len(sessions),
        first_seen_at=min(session.created_at for session in sessions),
        last_seen_at=max(session.last_activity_at for session in sessions),
        is_known=is_known,
    )
