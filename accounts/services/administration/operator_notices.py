"""Tell people by mail what an operator did to their account, and name the operator in events."""

from collections.abc import Iterable
from datetime import datetime

from accounts.models import User
from accounts.services.mailing import mail_queue
from accounts.services.mailing.mail_queue import MailKind
from security_events.types import NO_SUBJECT, Subject
from tokens.users import subject_of


def notify(*, user: User, kind: MailKind, changed: Iterable[str] = (), now: datetime) -> None:
    """Mail a person about an action, in the transaction of the action.

    ``changed`` are names of members of the account. The operator's reason is never mailed: it may contain anything.
    """
    names = " ".join(sorted(changed))
    mail_queue.enqueue(user_id=user.pk, kind=kind, details={"changed": names} if names else None, now=now)


def operator_subject(by: User | None) -> Subject:
    """Return the actor of an event; nobody at the command line."""
    return subject_of(by) if by else NO_SUBJECT
