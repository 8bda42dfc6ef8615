"""Tell whether whoever follows a mailed link is the one who holds the account."""

from datetime import datetime

from django.utils import timezone

from accounts import known_devices
from accounts.models import PendingRegistration, User
from accounts.services.passwords import attempts
from tokens.types import ClientContext


def is_known_browser(*, owner: User | PendingRegistration, device_token: str, now: datetime | None = None) -> bool:
    """Tell whether this browser registered, or signed in, with the password that the account has now."""
    return known_devices.recognise(device_token, user=owner, now=now or timezone.now()) is not None


def is_holder(
    *, user: User, password: str | None, device_token: str, client: ClientContext, now: datetime | None = None
) -> bool:
    """Tell whether it is a known browser, or the password is the account's.

    A password is counted as one of a sign-in: a mailed link must not be a way to guess more often.

    Raises: AttemptsExhausted, HashingBusy.
    """
    if is_known_browser(owner=user, device_token=device_token, now=now):
        return True
    if password is None:
        return False
    attempt = attempts.begin(name=user.username, user=user, client=client, device_token=device_token, now=now)
    is_right = attempts.check(attempt=attempt, password=password, digest=user.password, now=now).is_right
    if is_right:
        attempts.succeed(attempt=attempt)
    return is_right
