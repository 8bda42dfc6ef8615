"""Refuse names and addresses that somebody has."""

from datetime import datetime

from accounts import selectors
from accounts.errors import EmailTaken, UsernameTaken
from accounts.models import PendingRegistration


def require_free(*, username: str, email_folded: str) -> None:
    """Look before the hash is computed; the unique indexes decide afterwards all the same.

    Raises: UsernameTaken, EmailTaken.
    """
    by_name, by_email = selectors.identifier_owners(username=username, email_folded=email_folded)
    if by_name is not None:
        raise UsernameTaken
    if by_email is not None:
        raise EmailTaken


def require_unreserved(*, username: str, at: datetime) -> None:
    """Refuse the name of a registration that waits for its confirmation, and lock the name for the transaction.

    Raises: UsernameTaken.
    """
    PendingRegistration.objects.lock_username(username)
    if PendingRegistration.objects.named(username, at=at) is not None:
        raise UsernameTaken


def lost_race(*, username: str, email_folded: str) -> UsernameTaken | EmailTaken:
    """Return the refusal for whom an index kept out: somebody was faster while the hash was computed."""
    by_name, by_email = selectors.identifier_owners(username=username, email_folded=email_folded)
    return EmailTaken() if by_email is not None and by_name is None else UsernameTaken()
