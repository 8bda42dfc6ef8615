"""Read sessions."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import F, QuerySet
from django.db.models.functions import Least

from tokens.models import Session


def live_sessions(*, user_id: Any, now: datetime) -> QuerySet[Session]:
    """Return the live sessions of a user, the newest sign-in first; each expires at its ``deadline``."""
    return (
        Session.objects.live(at=now)
        .filter(user_id=user_id)
        .annotate(deadline=Least(F("families__expires_at"), F("expires_at")))
        .order_by("-id")
    )


def live_sessions_page(*, user_id: Any, before: UUID | None, limit: int, now: datetime) -> Sequence[Session]:
    """Return up to ``limit`` + 1 of them from after ``before``. If there is one too many, there are more pages."""
    sessions = live_sessions(user_id=user_id, now=now)
    if before is not None:
        sessions = sessions.filter(pk__lt=before)
    return list(sessions[: limit + 1])


def sessions_of(*, user_id: Any) -> QuerySet[Session]:
    """Return all stored sessions of a user, ended ones too, the newest sign-in first."""
    return Session.objects.filter(user_id=user_id).order_by("-id")


def owners_of_live_sessions(*, now: datetime) -> QuerySet[Session, Any]:
    """Return the ids of all users with a live session."""
    return Session.objects.live(at=now).order_by().values_list("user_id", flat=True).distinct()
