"""Collect what is stored about a user, for the user (GDPR, article 20)."""

from dataclasses import dataclass, fields
from datetime import datetime
from uuid import UUID

from accounts import event_types, selectors
from accounts.models import User
from accounts.rules.user_claims import roles_of
from accounts.selectors import FactorDescription, ImportOrigin, SocialDescription
from accounts.services.mailing.finding_texts import finding_text
from accounts.services.profile import activity
from accounts.services.profile.activity import ActivityEntry
from security_events.selectors.detection.incidents_about import incidents_about
from security_events.services import recording
from security_events.types import NO_SUBJECT
from tokens import selectors as token_selectors
from tokens.users import subject_of

FORMAT = 1
# Rows of one section. The document is built in memory; longer histories are paged where they are listed.
MAX_ROWS = 1000
ALL_EVENTS_PATH = "/api/v1/auth/me/security-events"


@dataclass(frozen=True, slots=True)
class AccountData:
    """The account's own row, without the password."""

    id: UUID
    username: str
    email: str
    email_confirmed_at: datetime | None
    full_name: str
    locale: str
    roles: list[str]
    tier: str
    department: str
    location: str
    is_active: bool
    mfa_enabled: bool
    created_at: datetime
    updated_at: datetime
    last_login_at: datetime | None
    deletion_requested_at: datetime | None


@dataclass(frozen=True, slots=True)
class SessionData:
    """One session, active or ended."""

    id: UUID
    ip_address: str | None
    user_agent: str
    amr: list[str]
    created_at: datetime
    last_activity_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    end_reason: str


@dataclass(frozen=True, slots=True)
class SessionsData:
    """The latest sessions, and whether there are more."""

    results: list[SessionData]
    is_truncated: bool


@dataclass(frozen=True, slots=True)
class SecurityEventsData:
    """The latest security events, whether there are more, and where all of them are listed."""

    results: list[ActivityEntry]
    is_truncated: bool
    all_at: str


@dataclass(frozen=True, slots=True)
class IncidentResponseData:
    """What was done to protect the account."""

    kind: str
    started_at: datetime
    ends_at: datetime | None
    undone_at: datetime | None


@dataclass(frozen=True, slots=True)
class IncidentData:
    """A possible attack on the account: what was found in words, and what was done. Notes of operators are internal."""

    id: UUID
    opened_at: datetime
    resolved_at: datetime | None
    explanation: str
    responses: list[IncidentResponseData]


@dataclass(frozen=True, slots=True)
class IncidentsData:
    """The latest incidents, and whether there are more."""

    results: list[IncidentData]
    is_truncated: bool


@dataclass(frozen=True, slots=True)
class PersonalData:
    """What is stored about a user, section by section, without secrets and without data of other users.

    A model with new data about users needs a section here and in ``ExportOutput``; docs/personal-data.md lists
    them.
    """

    format: int
    exported_at: datetime
    account: AccountData
    sessions: SessionsData
    second_factors: list[FactorDescription]
    social_accounts: list[SocialDescription]
    imports: list[ImportOrigin]
    security_events: SecurityEventsData
    incidents: IncidentsData


SECTIONS = tuple(field.name for field in fields(PersonalData) if field.name not in ("format", "exported_at"))


def export(*, user: User, now: datetime, session_id: UUID | None = None) -> PersonalData:
    """Return what is stored about a user, and record the export.

    ``session_id`` is the session of the user who asks, ``None`` when an operator exports at the command line.
    """
    subject = subject_of(user)
    recording.record(
        event_types.ACCOUNT_EXPORTED,
        actor=subject if session_id else NO_SUBJECT,
        target=subject,
        session_id=session_id,
        data={"sections": list(SECTIONS)},
        now=now,
    )
    return collect(user=user, now=now)


def collect(*, user: User, now: datetime) -> PersonalData:
    """Return what is stored about a user. Nothing is recorded."""
    return PersonalData(
        format=FORMAT,
        exported_at=now,
        account=_account(user),
        sessions=_sessions(user),
        second_factors=selectors.factor_descriptions(user_id=user.pk),
        social_accounts=selectors.social_descriptions(user_id=user.pk),
        imports=selectors.import_origins(user_id=user.pk),
        security_events=_security_events(user),
        incidents=_incidents(user),
    )


def _account(user: User) -> AccountData:
    return AccountData(
        id=user.pk,
        username=user.username,
        email=user.email,
        email_confirmed_at=user.email_confirmed_at,
        full_name=user.full_name,
        locale=user.locale,
        roles=roles_of(user),
        tier=user.tier,
        department=user.department,
        location=user.location,
        is_active=user.is_active,
        mfa_enabled=user.is_mfa_enabled,
        created_at=user.created_at,
        updated_at=user.updated_at,
        last_login_at=user.last_login,
        deletion_requested_at=user.deleted_at,
    )


def _sessions(user: User) -> SessionsData:
    rows = list(token_selectors.sessions_of(user_id=user.pk)[: MAX_ROWS + 1])
    shown = [
        SessionData(
            id=row.pk,
            ip_address=row.ip_address,
            user_agent=row.user_agent,
            amr=row.amr,
            created_at=row.created_at,
            last_activity_at=row.last_activity_at,
            expires_at=row.expires_at,
            ended_at=row.ended_at,
            end_reason=row.end_reason,
        )
        for row in rows[:MAX_ROWS]
    ]
    return SessionsData(results=shown, is_truncated=len(rows) > MAX_ROWS)


def _security_events(user: User) -> SecurityEventsData:
    page = activity.list_entries(user=user, limit=MAX_ROWS)
    return SecurityEventsData(
        results=list(page.entries), is_truncated=page.next_cursor is not None, all_at=ALL_EVENTS_PATH
    )


def _incidents(user: User) -> IncidentsData:
    rows = incidents_about(subject=str(user.pk), limit=MAX_ROWS + 1)
    return IncidentsData(
        results=[
            IncidentData(
                id=row.pk,
                opened_at=row.opened_at,
                resolved_at=row.resolved_at,
                explanation=str(finding_text(row.rule)),
                responses=[
                    IncidentResponseData(each.kind, each.started_at, each.ends_at, each.undone_at)
                    for each in row.responses.all()
                    if each.subject == str(user.pk)
                ],
            )
            for row in rows[:MAX_ROWS]
        ],
        is_truncated=len(rows) > MAX_ROWS,
    )
