"""The second step of the admin's sign-in: what Django's session stores between the steps, and the form of the code."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.contrib.admin.forms import AdminAuthenticationForm
from django.utils.translation import gettext_lazy as _

from accounts.services.administration import admin_sign_in
from accounts.services.administration.admin_sign_in import PendingAdminSignIn
from accounts.services.factors.second_factors import FactorResponse
from accounts.types import FactorMethod

CODE_TTL = timedelta(minutes=5)
_KEY = "accounts.administration.admin_second_factor"
_RECOVERY_CODE_DIGITS = 12


class PasswordAccepted(Exception):
    """Stops Django's login view after a right password, because the site must complete the sign-in."""

    def __init__(self, user: Any) -> None:
        super().__init__()
        self.user = user


class PasswordForm(AdminAuthenticationForm):
    """Name and password. Raises ``PasswordAccepted``, so that Django's view never signs a user in by itself."""

    def confirm_login_allowed(self, user: Any) -> None:
        # Past Django's form, which asks the column is_staff. The backend has asked whether the user may use the admin.
        super(AdminAuthenticationForm, self).confirm_login_allowed(user)
        raise PasswordAccepted(user)


class CodeForm(forms.Form):
    """A code of the authenticator application, or a recovery code, which is longer."""

    code = forms.CharField(
        label=_("Code"),
        max_length=64,
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "autofocus": True, "autocapitalize": "none", "dir": "ltr"}
        ),
    )

    def response(self) -> FactorResponse:
        """Return the code with its kind, which the number of digits decides."""
        code = self.cleaned_data["code"]
        digits = sum(character.isdigit() for character in code)
        method = FactorMethod.RECOVERY_CODE if digits >= _RECOVERY_CODE_DIGITS else FactorMethod.TOTP
        return FactorResponse(method, code)


def begin(request: Any, *, user: Any, now: datetime) -> None:
    """Store in Django's session that the password was right. The session gets a new key."""
    request.session.cycle_key()
    request.session[_KEY] = {
        "id": str(uuid4()),
        "user_id": str(user.pk),
        "bound_to": admin_sign_in.password_binding(user=user).hex(),
        "until": (now + CODE_TTL).timestamp(),
        "next": request.POST.get("next", request.GET.get("next", "")),
    }


def pending_sign_in(request: Any, *, now: datetime) -> PendingAdminSignIn | None:
    """Return the sign-in whose second factor is due in this browser; ``None`` if there is none, or it has expired."""
    stored = request.session.get(_KEY)
    if stored is None:
        return None
    # A version before stored no id.
    if stored["until"] <= now.timestamp() or "id" not in stored:
        discard(request)
        return None
    return PendingAdminSignIn(
        id=UUID(stored["id"]), user_id=UUID(stored["user_id"]), bound_to=bytes.fromhex(stored["bound_to"])
    )


def next_url(request: Any) -> str:
    """Return the page to go to after the sign-in that is pending in this browser."""
    return str(request.session[_KEY]["next"])


def discard(request: Any) -> None:
    """Delete the pending sign-in, so that the next one begins with the password."""
    request.session.pop(_KEY, None)
