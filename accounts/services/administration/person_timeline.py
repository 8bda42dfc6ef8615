"""Everything that is known to have happened to one person, in one list, newest first.

Each source is read from its index, at most as many rows as a page has, so that a long history costs no more than a
short one. Ids of rows begin with their time (RFC 9562, 5.7), so the position of an entry is an id, too: that of its
row, or one that is made from its time. The cursor of a page is the position of its last entry.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any, NamedTuple
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts import selectors
from accounts.models import OutgoingMail, User
from accounts.services.mailing.mail_messages import MAIL_TEXTS
from accounts.services.mailing.mail_queue import MailKind
from security_events.detection import rules
from security_events.models import SecurityEvent
from security_events.selectors import events
from security_events.selectors.detection.incidents_about import incidents_about
from tokens import selectors as token_selectors

_NEWEST = UUID(int=2**128 - 1)


class TimelineSource(StrEnum):
    """Where entries come from. Callers choose the sources that the viewer may see."""

    ACCOUNT = "account"
    EVENTS = "events"
    INCIDENTS = "incidents"
    MAIL = "mail"
    SESSIONS = "sessions"


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """Something that happened at ``moment``. ``id`` is that of the event, the session or the mail, if there is one.

    ``title`` is a sentence; of an event it is the type's id, and ``event`` is the row.
    """

    position: UUID
    moment: datetime
    source: TimelineSource
    title: str | Promise
    id: UUID | None = None
    ip_address: str | None = None
    user_agent: str = ""
    details: Sequence[tuple[str | Promise, Any]] = ()
    event: SecurityEvent | None = None


@dataclass(frozen=True, slots=True)
class TimelinePage:
    """Entries, newest first. ``next_cursor`` is the ``before`` of the following page, ``None`` on the last page."""

    entries: Sequence[TimelineEntry]
    next_cursor: UUID | None


def timeline_page(
    *, user: User, sources: Collection[TimelineSource], before: UUID | None = None, limit: int
) -> TimelinePage:
    """Return a page of a person's timeline, from the entry after ``before`` on.

    With the events, what they record is not taken from other rows as well: sessions, and the beginning of the account,
    of its factors and of its connections.
    """
    end = before or _NEWEST
    found = [
        entry
        for source, read in _READERS.items()
        if source in sources and not (source is TimelineSource.SESSIONS and TimelineSource.EVENTS in sources)
        for entry in read(user, end, limit + 1, TimelineSource.EVENTS in sources)
    ]
    found.sort(key=lambda entry: entry.position, reverse=True)
    entries = found[:limit]
    return TimelinePage(entries=entries, next_cursor=entries[-1].position if len(found) > limit else None)


def _events(user: User, before: UUID, limit: int, _has_events: bool) -> Iterator[TimelineEntry]:
    for row in events.events_about(subject_id=str(user.pk), before=before, limit=limit):
        yield TimelineEntry(
            position=row.id,
            moment=row.occurred_at,
            source=TimelineSource.EVENTS,
            title=row.type,
            id=row.id,
            ip_address=row.ip_address,
            user_agent=row.user_agent,
            details=tuple(row.data.items()),
            event=row,
        )


def _sessions(user: User, before: UUID, limit: int, _has_events: bool) -> Iterator[TimelineEntry]:
    rows = token_selectors.sessions_of(user_id=user.pk).filter(pk__lt=before)[:limit]
    for row in rows:
        yield TimelineEntry(
            position=row.pk,
            moment=row.created_at,
            source=TimelineSource.SESSIONS,
            title=_("Signed in"),
            id=row.pk,
            ip_address=row.ip_address,
            user_agent=row.user_agent,
            details=[(_("ended at"), row.ended_at)] if row.ended_at else [],
        )


def _mails(user: User, before: UUID, limit: int, _has_events: bool) -> Iterator[TimelineEntry]:
    rows = OutgoingMail.objects.filter(user_id=user.pk, pk__lt=before).order_by("-pk")[:limit]
    for row in rows:
        facts = ((_("to"), row.address), (_("sent at"), row.sent_at), (_("not sent, because"), row.drop_reason))
        yield TimelineEntry(
            position=row.pk,
            moment=row.created_at,
            source=TimelineSource.MAIL,
            title=_mail_subject(row.kind),
            id=row.pk,
            details=[(label, value) for label, value in facts if value],
        )


def _incidents(user: User, before: UUID, limit: int, _has_events: bool) -> Iterator[TimelineEntry]:
    """Yield incidents about the account. Their events tell of them, too, but not of their state."""
    rules.load()
    for row in incidents_about(subject=str(user.pk), before=before, limit=limit):
        rule = rules.RULES.get(row.rule)
        facts = (
            (_("status"), row.get_status_display()),
            (_("verdict"), row.get_verdict_display()),
        )
        yield TimelineEntry(
            position=row.pk,
            moment=row.opened_at,
            source=TimelineSource.INCIDENTS,
            title=rule.title if rule else row.rule,
            id=row.pk,
            details=[(label, value) for label, value in facts if value],
        )


def _mail_subject(kind: str) -> str | Promise:
    with suppress(ValueError, KeyError):
        return MAIL_TEXTS[MailKind(kind)].subject
    return kind


def _account(user: User, before: UUID, limit: int, has_events: bool) -> Iterator[TimelineEntry]:
    """Yield the times in the rows of the account: a few for the account and for each factor and connection."""
    entries = (_of_moment(each.at, each) for each in _moments(user, has_events=has_events) if each.at is not None)
    yield from sorted((entry for entry in entries if entry.position < before), key=lambda e: e.position)[-limit:]


class _Moment(NamedTuple):
    at: datetime | None
    key: str  # differs between entries, and stays the same at each call
    title: str | Promise
    name: str = ""


def _moments(user: User, *, has_events: bool) -> Iterator[_Moment]:
    if not has_events:
        yield _Moment(user.created_at, "created", _("Account created"))
        yield _Moment(user.email_confirmed_at, "confirmed", _("Address confirmed"))
        yield _Moment(user.deleted_at, "deleted", _("Account deleted"))
    for factor in selectors.second_factors(user_id=user.pk).factors:
        name = factor.name or factor.type
        yield _Moment(factor.last_used_at, f"{factor.id} used", _("Second factor used last"), name)
        if not has_events:
            yield _Moment(factor.created_at, f"{factor.id} added", _("Second factor added"), name)
    for link in selectors.social_accounts(user_id=user.pk):
        yield _Moment(link.last_login_at, f"{link.id} used", _("Signed in last with a provider"), link.provider)
        if not has_events:
            yield _Moment(link.created_at, f"{link.id} added", _("Provider connected"), link.provider)


def _of_moment(at: datetime, moment: _Moment) -> TimelineEntry:
    # The time as in the ids of rows, then bits of the key.
    told_apart = int.from_bytes(sha256(moment.key.encode()).digest()[:10], "big")
    return TimelineEntry(
        position=UUID(int=(int(at.timestamp() * 1000) << 80) | told_apart),
        moment=at,
        source=TimelineSource.ACCOUNT,
        title=moment.title,
        details=[(_("name"), moment.name)] if moment.name else [],
    )


_READERS: Mapping[TimelineSource, Callable[[User, UUID, int, bool], Iterator[TimelineEntry]]] = {
    TimelineSource.EVENTS: _events,
    TimelineSource.INCIDENTS: _incidents,
    TimelineSource.SESSIONS: _sessions,
    TimelineSource.MAIL: _mails,
    TimelineSource.ACCOUNT: _account,
}
