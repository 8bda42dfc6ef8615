"""Decide whether the person who opens a mailed link is the holder of the account."""

from datetime import datetime

from accounts.client_tokens import known_devices
from accounts.models import PendingRegistration, User
from accounts.services.passwords import attempts
from tokens.types import ClientContext


def is_known_browser(*, owner: User | PendingRegistration, device_token: str, now: datetime) -> bool:
    """Return whether this browser has registered or signed in with the present password of the account."""
    return known_devices.recognise(device_token, user=owner, now=now) is not None


def is_account_holder(
    *, user: User, password: str | None, device_token: str, client: ClientContext, now: datetime
) -> bool:
    """Return whether the browser is known or the password is right.

    The password is charged like one of a sign-in, so that a mailed link gives no additional guesses. The database's
    clock decides about that, as for all attempts; ``now`` is for the known browser.

    Raises: AttemptsExhausted, HashingBusy.
    """
    if is_known_browser(owner=user, device_token=device_token, now=now):
        return True
    if password is None:
        return False
    attempt = attempts.charge(name=user.username, user=user, client=client, device_token=device_token, now=now)
    is_right = attempts.check_password(attempt=attempt, password=password, digest=user.password, now=now).is_right
    if is_right:
        attempts.refund(attempt=attempt)
    return is_right
