"""See to it that nobody takes their last way to sign in away."""

from uuid import UUID

from accounts import selectors
from accounts.errors import LastWayIn


def require_one(*, user_id: UUID) -> None:
    """Refuse what the caller's transaction has just removed, if it leaves a person without a way to sign in.

    A password, an account of a provider and a passkey are ways in; codes and mere security keys come after one. The
    caller has locked the person's row by ``enrolment.lock_user``, so that of two simultaneous removals, of whatever
    kind, the second one knows of the first.

    Raises: LastWayIn.
    """
    if not selectors.has_way_in(user_id=user_id):
        raise LastWayIn
