"""The subjects that a receiver does not want signals about (Shared Signals Framework 1.0, 8.1.3).

A stream has all subjects (``default_subjects`` is ``ALL``); a receiver can remove some and add them again. Neither
answer says whether a subject is known here.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from security_events.catalogue import EventType
from security_events.services import recording
from security_events.types import Subject
from tokens import event_types
from tokens.conf import token_settings
from tokens.errors import ExcludedSubjectLimitReached
from tokens.models import ExcludedSubject, SignalStream
from tokens.services.shared_signals import streams
from tokens.services.shared_signals.stream_owners import StreamOwner
from tokens.shared_signals.subject_identifiers import SignalSubject, parsed_subject

MOST_SUBJECTS = 10_000  # of one stream


def remove(*, owner: StreamOwner, stream_id: UUID, subject: Any, now: datetime) -> None:
    """Send a stream no signals about a subject any more.

    Raises: SignalStreamNotFound, SignalStreamInvalid, ExcludedSubjectLimitReached.
    """
    with transaction.atomic():
        stream = streams.locked(owner=owner, stream_id=stream_id)
        found = _resolved(subject)
        if found is None:
            return
        rows = stream.excluded_subjects
        if rows.count() >= MOST_SUBJECTS:
            raise ExcludedSubjectLimitReached
        _row, is_new = rows.get_or_create(user_id=found.user_id, session_id=found.session_id)
        if is_new:
            _record(event_types.SIGNAL_STREAM_SUBJECT_REMOVED, stream, found, owner, now=now)


def add(*, owner: StreamOwner, stream_id: UUID, subject: Any, now: datetime) -> None:
    """Send a stream signals about a subject again. A person comes with all sessions that were removed one by one.

    Raises: SignalStreamNotFound, SignalStreamInvalid.
    """
    with transaction.atomic():
        stream = streams.locked(owner=owner, stream_id=stream_id)
        found = _resolved(subject)
        if found is None:
            return
        rows = stream.excluded_subjects.filter(user_id=found.user_id)
        count, _ = (rows.filter(session_id=found.session_id) if found.session_id else rows).delete()
        if count:
            _record(event_types.SIGNAL_STREAM_SUBJECT_ADDED, stream, found, owner, now=now)


def forget(*, user_ids: Collection[str]) -> None:
    """Delete what is stored about people who are erased."""
    ExcludedSubject.objects.filter(user_id__in=user_ids).delete()


def _resolved(given: Any) -> SignalSubject | None:
    subject = parsed_subject(given)
    if subject is None or not subject.email:
        return subject
    user_id = token_settings.USER_OF_EMAIL(address=subject.email) if token_settings.SSF_EMAIL_SUBJECTS else ""
    return SignalSubject(user_id=user_id, session_id=subject.session_id) if user_id else None


def _record(
    event_type: EventType, stream: SignalStream, subject: SignalSubject, owner: StreamOwner, *, now: datetime
) -> None:
    data = {"stream": str(stream.pk), **({"session": subject.session_id} if subject.session_id else {})}
    recording.record(event_type, actor=owner.subject, target=Subject(id=subject.user_id), data=data, now=now)
