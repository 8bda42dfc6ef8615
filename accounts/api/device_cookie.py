"""The cookie by which a browser is recognised that somebody has signed in with before."""

from typing import Any

from django.conf import settings
from django.utils import timezone
from rest_framework.response import Response

from accounts import known_devices
from accounts.api.documents import sign_in_document
from accounts.models import PendingRegistration, User
from accounts.services.factors.sign_in_challenges import MfaChallenge
from accounts.services.sign_in.password_sign_in import SignedIn


def name() -> str:
    """Return the cookie's name; over TLS one that no other host of the domain can set (RFC 6265bis, 4.1.3.2)."""
    return "__Host-cedrina_device" if settings.IS_HTTPS else "cedrina_device"


def presented(request: Any) -> str:
    """Return what the browser sent, empty when it sent none."""
    return str(request.COOKIES.get(name(), "")) if request is not None else ""


def answer(request: Any, outcome: SignedIn | MfaChallenge) -> Response:
    """Answer a sign-in, by whichever factors; where it came to a session the browser is recognised from now on."""
    response = Response(sign_in_document(outcome))
    if isinstance(outcome, SignedIn):
        keep(response, request=request, user=outcome.user)
    return response


def keep(response: Any, *, request: Any, user: User | PendingRegistration) -> None:
    """Let the browser be recognised the next time that this person signs in, who has just done so, or registered."""
    now = timezone.now()
    device = known_devices.recognise(presented(request), user=user, now=now)
    if device == known_devices.reset_device_id(user=user):
        device = None  # from now on it is a device of its own
    _set(response, known_devices.mint(user=user, device=device, now=now))


def keep_after_reset(response: Any, *, user: User) -> None:
    """Let the browser be recognised that somebody has just set a new password in by a mailed link."""
    device = known_devices.reset_device_id(user=user)
    _set(response, known_devices.mint(user=user, device=device, now=timezone.now()))


def _set(response: Any, value: str) -> None:
    response.set_cookie(
        name(),
        value,
        max_age=int(known_devices.REMEMBERED.total_seconds()),
        path="/",
        secure=settings.IS_HTTPS,
        httponly=True,
        samesite="Strict",
    )
