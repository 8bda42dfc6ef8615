"""The cookie that carries the device token (``accounts.client_tokens.known_devices``) of a browser."""

from typing import Any

from rest_framework.response import Response

from accounts.api.response_bodies import sign_in_body
from accounts.client_tokens import known_devices
from accounts.conf import account_settings
from accounts.models import PendingRegistration, User
from accounts.services.factors.sign_in_challenges import MfaChallenge
from accounts.services.sign_in.password_sign_in import SignedIn
from cedrina_base import database_clock


def cookie_name() -> str:
    """Return the cookie's name. Over TLS its prefix keeps other hosts from setting it (RFC 6265bis, 4.1.3.2)."""
    return "__Host-cedrina_device" if _is_over_tls() else "cedrina_device"


def read_token(request: Any) -> str:
    """Return the device token that the browser sent, empty if it sent none."""
    return str(request.COOKIES.get(cookie_name(), "")) if request is not None else ""


def sign_in_response(request: Any, result: SignedIn | MfaChallenge) -> Response:
    """Return the response to a sign-in. If it opened a session, the response sets a device token."""
    response = Response(sign_in_body(result))
    if isinstance(result, SignedIn):
        renew(response, request=request, user=result.user)
    return response


def renew(response: Any, *, request: Any, user: User | PendingRegistration) -> None:
    """Set a device token for a user who has just signed in or registered. A known device keeps its id."""
    now = database_clock.now()
    device = known_devices.recognise(read_token(request), user=user, now=now)
    if device == known_devices.reset_device_id(user=user):
        device = None  # all password resets share this id; a sign-in gives the device an id of its own
    _set(response, known_devices.mint(user=user, device=device, now=now))


def renew_after_reset(response: Any, *, user: User) -> None:
    """Set a device token for a user who has just set a new password by a mailed link."""
    device = known_devices.reset_device_id(user=user)
    _set(response, known_devices.mint(user=user, device=device, now=database_clock.now()))


def _set(response: Any, value: str) -> None:
    response.set_cookie(
        cookie_name(),
        value,
        max_age=int(known_devices.REMEMBERED.total_seconds()),
        path="/",
        secure=_is_over_tls(),
        httponly=True,
        samesite="Strict",
    )


def _is_over_tls() -> bool:
    return account_settings.PUBLIC_URL.startswith("https://")
