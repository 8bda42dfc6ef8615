"""Keep people from removing their last sign-in method."""

from uuid import UUID

from accounts import selectors
from accounts.errors import LastSignInMethod


def require_sign_in_method(*, user_id: UUID) -> None:
    """Refuse a removal, made in the caller's transaction, that leaves a person without a sign-in method.

    A password, an account of a provider and a passkey are sign-in methods. One-time codes and security keys are second
    factors only. The caller has locked the person's row by ``enrolment.lock_user``, so that the second of two
    simultaneous removals sees the first.

    Raises: LastSignInMethod.
    """
    if not selectors.has_sign_in_method(user_id=user_id):
        raise LastSignInMethod
