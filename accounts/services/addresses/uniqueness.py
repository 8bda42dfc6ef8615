"""Check whether usernames and addresses are free."""

from datetime import datetime

from accounts import selectors
from accounts.errors import EmailTaken, UsernameTaken
from accounts.models import PendingRegistration


def require_free(*, username: str, email_folded: str) -> None:
    """Refuse a username or an address that an account has.

    This saves the computation of a hash. The unique indexes decide afterwards.

    Raises: UsernameTaken, EmailTaken.
    """
    by_name, by_email = selectors.identifier_owners(username=username, email_folded=email_folded)
    if by_name is not None:
        raise UsernameTaken
    if by_email is not None:
        raise EmailTaken


def require_unreserved(*, username: str, at: datetime) -> None:
    """Refuse the username of a pending registration; lock the username until the transaction ends.

    Raises: UsernameTaken.
    """
    PendingRegistration.objects.lock_username(username)
    if PendingRegistration.objects.named(username, at=at) is not None:
        raise UsernameTaken


def identifier_conflict(*, username: str, email_folded: str) -> UsernameTaken | EmailTaken:
    """Return the error for an insert that a unique index refused: the username or the address was taken meanwhile."""
    by_name, by_email = selectors.identifier_owners(username=username, email_folded=email_folded)
    return EmailTaken() if by_email is not None and by_name is None else UsernameTaken()
