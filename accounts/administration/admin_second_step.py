"""The second step of the admin's sign-in: what its session remembers meanwhile, and the form for the code."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib.admin.forms import AdminAuthenticationForm
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.services.administration import admin_sign_in
from accounts.services.factors.second_factors import FactorResponse
from accounts.types import FactorMethod

LIFETIME = timedelta(minutes=5)
_KEY = "accounts.administration.admin_second_step"
_RECOVERY_DIGITS = 12


class PasswordAccepted(Exception):
    """The password was right; nobody is signed in by that alone."""

    def __init__(self, user: Any) -> None:
        super().__init__()
        self.user = user


class PasswordForm(AdminAuthenticationForm):
    """Name and password. The site goes on from there, so that Django's form never signs anybody in by itself."""

    def confirm_login_allowed(self, user: Any) -> None:
        super().confirm_login_allowed(user)
        raise PasswordAccepted(user)


class CodeForm(forms.Form):
    """One code, of the application or for recovery: their lengths tell them apart."""

    code = forms.CharField(
        label=_("Code"),
        max_length=64,
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "autofocus": True, "autocapitalize": "none", "dir": "ltr"}
        ),
    )

    def response(self) -> FactorResponse:
        code = self.cleaned_data["code"]
        digits = sum(character.isdigit() for character in code)
        method = FactorMethod.RECOVERY_CODE if digits >= _RECOVERY_DIGITS else FactorMethod.TOTP
        return FactorResponse(method, code)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Whose password was right, the hash that it was right for, by its digest, and where they wanted to go."""

    user_id: UUID
    bound_to: bytes
    next: str


def begin(request: Any, *, user: Any, now: datetime | None = None) -> None:
    """Remember in the browser's session, under a new key, that the password was right."""
    request.session.cycle_key()
    request.session[_KEY] = {
        "user_id": str(user.pk),
        "bound_to": admin_sign_in.binding(user=user).hex(),
        "until": ((now or timezone.now()) + LIFETIME).timestamp(),
        "next": request.POST.get("next", request.GET.get("next", "")),
    }


def waiting(request: Any, *, now: datetime | None = None) -> Waiting | None:
    """Return who has yet to show a second factor in this browser; ``None`` when nobody has, or it took too long."""
    kept = request.session.get(_KEY)
    if kept is None:
        return None
    if kept["until"] <= (now or timezone.now()).timestamp():
        forget(request)
        return None
    return Waiting(user_id=UUID(kept["user_id"]), bound_to=bytes.fromhex(kept["bound_to"]), next=kept["next"])


def forget(request: Any) -> None:
    """Begin again with the password."""
    request.session.pop(_KEY, None)
