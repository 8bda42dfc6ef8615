"""End a reset of second factors that waits, other than by carrying it out.

Services that change or verify factors call this, so it imports none of them.
"""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from uuid import UUID

from accounts import event_types
from accounts.models import MailedTokenPurpose, ResetOutcome, SecondFactorReset, User
from accounts.services.mailing import mail_queue, mailed_tokens
from accounts.services.mailing.mail_queue import MailKind
from security_events.services import recording
from security_events.types import NO_SUBJECT, Subject
from tokens.users import subject_of

# The mail to the user about each outcome. A closed account gets none, and a changed factor has a mail of its own.
_NOTICES: Mapping[ResetOutcome, MailKind] = MappingProxyType(
    {
        ResetOutcome.STOPPED: MailKind.FACTOR_RESET_STOPPED,
        ResetOutcome.FACTOR_SHOWN: MailKind.FACTOR_RESET_UNNECESSARY,
        ResetOutcome.WITHDRAWN: MailKind.FACTOR_RESET_WITHDRAWN,
        ResetOutcome.NOT_NOTIFIED: MailKind.FACTOR_RESET_WITHDRAWN,
        ResetOutcome.NOT_ALLOWED: MailKind.FACTOR_RESET_WITHDRAWN,
    }
)
_BY_OWNER = (ResetOutcome.STOPPED, ResetOutcome.FACTOR_SHOWN, ResetOutcome.FACTORS_CHANGED)


def close(*, user_id: UUID, outcome: ResetOutcome, now: datetime) -> SecondFactorReset | None:
    """End the reset that waits for a user and make the links about it invalid; ``None`` if none waits.

    Nothing is recorded and nobody is notified. The caller has locked the user's row, so one of several ends it.
    """
    reset = SecondFactorReset.objects.waiting().filter(user_id=user_id).first()
    if reset is None:
        return None
    reset.closed_at, reset.outcome = now, outcome
    reset.save(update_fields=["closed_at", "outcome"])
    mailed_tokens.withdraw(user_id=user_id, purposes=[MailedTokenPurpose.STOP_RESET], now=now)
    return reset


def cancel(*, user: User, outcome: ResetOutcome, now: datetime) -> bool:
    """End the reset that waits for a user, because something happened meanwhile; ``False`` if none waits.

    The caller has locked the user's row. It is one query if no reset waits.
    """
    reset = close(user_id=user.pk, outcome=outcome, now=now)
    if reset is None:
        return False
    is_stopped = outcome is ResetOutcome.STOPPED
    recording.record(
        event_types.MFA_RESET_STOPPED if is_stopped else event_types.MFA_RESET_CANCELLED,
        actor=subject_of(user) if outcome in _BY_OWNER else NO_SUBJECT,
        target=subject_of(user),
        data=described(reset) if is_stopped else {"reason": str(outcome), **described(reset)},
        now=now,
    )
    notify(reset, now=now)
    return True


def withdraw(*, user: User, actor: Subject, note: str, now: datetime) -> bool:
    """End the reset that waits for a user on behalf of an operator; ``False`` if none waits.

    The caller has authorized the operator, which locks the user's row.
    """
    reset = close(user_id=user.pk, outcome=ResetOutcome.WITHDRAWN, now=now)
    if reset is None:
        return False
    recording.record(
        event_types.MFA_RESET_WITHDRAWN,
        actor=actor,
        target=subject_of(user),
        data={"note": note, "reset_id": str(reset.pk)},
        now=now,
    )
    notify(reset, now=now)
    return True


def notify(reset: SecondFactorReset, *, now: datetime) -> None:
    """Enqueue the mail to the user about how a reset ended."""
    kind = _NOTICES.get(ResetOutcome(reset.outcome))
    if kind is not None:
        mail_queue.enqueue(user_id=reset.user_id, kind=kind, now=now)


def described(reset: SecondFactorReset) -> dict[str, str | None]:
    """Return what the data of events say about a reset. ``requested_by`` is ``None`` for the command line."""
    return {"reset_id": str(reset.pk), "requested_by": str(reset.requested_by) if reset.requested_by else None}
