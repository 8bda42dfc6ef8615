"""Hand people what is kept about them (GDPR, article 20)."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone

from accounts import event_types, selectors
from accounts.models import User
from accounts.rules.decisions import roles_of
from accounts.services.profile import activity
from security_events.services import recording
from security_events.types import NO_SUBJECT
from tokens import selectors as token_selectors
from tokens.users import subject_of

FORMAT = 1
# Rows of one section. A document is built in memory; who has a longer history pages through it where it is listed.
MOST_ROWS = 1000


def export(*, user: User, session_id: UUID | None = None, now: datetime | None = None) -> dict[str, Any]:
    """Return what is kept about a person, section by section, and record that it was handed out.

    There are no secrets in it, neither password hashes nor keys nor tokens, and nothing of other people.
    """
    at = now or timezone.now()
    subject = subject_of(user)
    recording.record(
        event_types.ACCOUNT_EXPORTED,
        actor=subject if session_id else NO_SUBJECT,
        target=subject,
        session_id=session_id,
        data={"sections": list(SECTIONS)},
        now=now,
    )
    return document(user=user, at=at)


def document(*, user: User, at: datetime) -> dict[str, Any]:
    """Return what is kept about a person, section by section."""
    return {
        "format": FORMAT,
        "exported_at": at,
        **{name: describe(user) for name, describe in SECTIONS.items()},
    }


def _account(user: User) -> dict[str, Any]:
    return {
        "id": user.pk,
        "username": user.username,
        "email": user.email,
        "email_confirmed_at": user.email_confirmed_at,
        "full_name": user.full_name,
        "locale": user.locale,
        "roles": roles_of(user),
        "tier": user.tier,
        "department": user.department,
        "location": user.location,
        "is_active": user.is_active,
        "mfa_enabled": user.is_mfa_enabled,
        "created_at": user.created_at,
        "updated_at": user.updated_at,
        "last_login_at": user.last_login,
        "deletion_requested_at": user.deleted_at,
    }


def _sessions(user: User) -> dict[str, Any]:
    rows = list(token_selectors.sessions_of(user_id=user.pk)[: MOST_ROWS + 1])
    shown = [
        {
            "id": row.pk,
            "ip_address": row.ip_address,
            "user_agent": row.user_agent,
            "amr": row.amr,
            "created_at": row.created_at,
            "last_activity_at": row.last_activity_at,
            "expires_at": row.expires_at,
            "ended_at": row.ended_at,
            "end_reason": row.end_reason,
        }
        for row in rows[:MOST_ROWS]
    ]
    return {"results": shown, "is_truncated": len(rows) > MOST_ROWS}


def _second_factors(user: User) -> list[dict[str, Any]]:
    return selectors.factor_descriptions(user_id=user.pk)


def _social_accounts(user: User) -> list[dict[str, Any]]:
    return selectors.social_descriptions(user_id=user.pk)


def _imports(user: User) -> list[dict[str, Any]]:
    return selectors.import_origins(user_id=user.pk)


def _security_events(user: User) -> dict[str, Any]:
    found = activity.page(user=user, limit=MOST_ROWS)
    return {
        "results": [asdict(entry) for entry in found.entries],
        "is_truncated": found.next is not None,
        "all_at": "/api/v1/auth/me/security-events",
    }


# Whoever adds rows about people adds their section here; docs/personal-data.md lists them.
SECTIONS: Mapping[str, Callable[[User], Any]] = {
    "account": _account,
    "sessions": _sessions,
    "second_factors": _second_factors,
    "social_accounts": _social_accounts,
    "imports": _imports,
    "security_events": _security_events,
}
