"""Read sessions and published keys."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import F, Prefetch, QuerySet
from django.db.models.functions import Least

from cedrina_base.prepared_statements import prepared_cursor
from tokens.access_tokens.further_keys import further_keys
from tokens.access_tokens.keyring import keyring
from tokens.errors import ServiceClientNotFound
from tokens.models import ExcludedSubject, ServiceClient, ServiceClientSecret, Session, SignalStream
from tokens.shared_signals.caep_events import converted_types

_SECRETS = Prefetch("secrets", ServiceClientSecret.objects.defer("digest").order_by("created_at", "pk"))

MOST_COUNTED = 5000
# The index holds the sessions that have not ended; how many it has is known from the last VACUUM or ANALYZE. Where the
# table is divided (docs/scaling.md), the indexes of its partitions are added up.
_COUNT_LIVE = """
SELECT (
    SELECT count(*) FROM (
        SELECT FROM tokens_session s
        JOIN tokens_tokenfamily f ON f.session_id = s.id
        WHERE s.ended_at IS NULL AND s.expires_at > %(now)s AND NOT f.is_revoked AND f.expires_at > %(now)s
        LIMIT %(most)s
    ) AS alive
), (
    SELECT COALESCE(sum(GREATEST(reltuples, 0)), 0) FROM pg_class
    WHERE relkind = 'i' AND (oid = 'tokens_session_open_idx'::regclass
                             OR oid IN (SELECT relid FROM pg_partition_tree('tokens_session_open_idx'::regclass)))
)
"""


def live_sessions(*, user_id: Any, now: datetime) -> QuerySet[Session]:
    """Return the live sessions of a user, the newest sign-in first; each expires at its ``deadline``."""
    return (
        Session.objects.live(at=now)
        .filter(user_id=user_id)
        .annotate(deadline=Least(F("families__expires_at"), F("expires_at")))
        .order_by("-id")
    )


class LiveSessionCount(NamedTuple):
    """How many sessions are alive; from ``MOST_COUNTED`` on it is PostgreSQL's estimate."""

    number: int
    is_estimate: bool


def live_session_count(*, now: datetime) -> LiveSessionCount:
    """Return how many sessions of all people are alive. It looks at ``MOST_COUNTED`` of them at most."""
    with prepared_cursor() as cursor:
        cursor.execute(_COUNT_LIVE, {"now": now, "most": MOST_COUNTED})
        counted, estimate = cursor.fetchone()
    is_estimate = counted >= MOST_COUNTED
    return LiveSessionCount(max(counted, int(estimate)) if is_estimate else counted, is_estimate)


class SessionPage(NamedTuple):
    """Part of a list, and whether more sessions follow it."""

    sessions: Sequence[Session]
    has_more: bool


def live_sessions_page(*, user_id: Any, before: UUID | None, limit: int, now: datetime) -> SessionPage:
    """Return up to ``limit`` of them, from after the session ``before``."""
    sessions = live_sessions(user_id=user_id, now=now)
    if before is not None:
        sessions = sessions.filter(pk__lt=before)
    rows = list(sessions[: limit + 1])
    return SessionPage(sessions=rows[:limit], has_more=len(rows) > limit)


def sessions_of(*, user_id: Any) -> QuerySet[Session]:
    """Return all stored sessions of a user, ended ones too, the newest sign-in first."""
    return Session.objects.filter(user_id=user_id).order_by("-id")


def owners_of_live_sessions(*, now: datetime) -> QuerySet[Session, Any]:
    """Return the ids of all users with a live session."""
    return Session.objects.live(at=now).order_by().values_list("user_id", flat=True).distinct()


def service_clients_page(*, after: UUID | None, limit: int) -> Sequence[ServiceClient]:
    """Return up to ``limit + 1`` service clients with their secrets' times, the oldest first, after the one given."""
    rows = ServiceClient.objects.order_by("pk").prefetch_related(_SECRETS)
    if after is not None:
        rows = rows.filter(pk__gt=after)
    return list(rows[: limit + 1])


def service_client(*, client_id: UUID | None = None, name: str | None = None) -> ServiceClient:
    """Return a service client by its id or by its name, with its secrets' times.

    Raises: ServiceClientNotFound.
    """
    wanted = {"pk": client_id} if name is None else {"name": name}
    found = ServiceClient.objects.prefetch_related(_SECRETS).filter(**wanted).first()
    if found is None:
        raise ServiceClientNotFound
    return found


def is_excluded(*, stream: SignalStream, user_id: str, session_id: str) -> bool:
    """Return whether a stream gets no signals about a person, or about this session of theirs."""
    rows = ExcludedSubject.objects.filter(stream=stream, user_id=user_id)
    return rows.filter(session_id__in=("", session_id)).exists()


class SignalBacklog(NamedTuple):
    """How many signals a stream has to deliver, and whether there may be more than were counted."""

    waiting: int
    is_cut: bool


# Whoever is far behind is not counted to the end: that could be the whole trail.
_WAITING_IN_THE_TRAIL = """
SELECT count(*) FILTER (WHERE found.type = ANY(%(types)s)), count(*) FROM (
    SELECT event.type FROM security_events_event event
    WHERE (event.transaction_id, event.id) > (%(transaction_id)s, %(event_id)s)
    ORDER BY event.transaction_id, event.id LIMIT %(limit)s
) found
"""
_MOST_COUNTED = 5000


def signal_backlog(*, stream: SignalStream) -> SignalBacklog:
    """Return how many events behind the position of a stream may become signals, and how many signals wait already."""
    position: dict[str, Any] = {"transaction_id": stream.sink.transaction_id, "event_id": stream.sink.event_id}
    with prepared_cursor() as cursor:
        cursor.execute(_WAITING_IN_THE_TRAIL, {**position, "types": sorted(converted_types()), "limit": _MOST_COUNTED})
        found, read = cursor.fetchone()
    return SignalBacklog(found + stream.pending_signals.count(), read == _MOST_COUNTED)


def published_keys() -> list[dict[str, Any]]:
    """Return the published keys as JSON Web Keys (RFC 7517); the last known ones without the database.

    Those of the setting ``FURTHER_JWKS`` come after the signing keys.
    """
    return [*keyring.jwks(), *map(dict, further_keys.jwks())]
