"""Before a page of the admin changes anything, people confirm who they are if their last proof is too old.

The API's sensitive calls ask for the same (``tokens.api.step_up``; RFC 9470; OWASP ASVS 5.0, 7.5.3). The page that asks
has all that was sent in hidden fields and is sent to the same address, so that nothing is stored in between, and what
was asked for is done as soon as the proof is right.
"""

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any

from django import forms
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.encoding import force_str
from django.utils.translation import gettext_lazy as _

from accounts.administration import admin_sessions
from accounts.administration.admin_factor_form import FactorForm
from accounts.errors import AccountError
from accounts.services.sign_in import mailed_codes, password_sign_in, reauthentication
from accounts.services.sign_in.reauthentication import ReauthenticationOptions
from accounts.types import FactorMethod
from cedrina_base import database_clock
from tokens.api.step_up import RECENT_SECONDS, RequiredFactor, check_requirement, is_proof_due, requires
from tokens.errors import ReauthenticationRequired, StepUpRequired, TokenError

PREFIX = "reauthentication"  # of the fields of this page, so that none has the name of another form's
SEND_CODE = f"{PREFIX}-send"
_CSRF = "csrfmiddlewaretoken"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_REQUIREMENT = requires(factor=RequiredFactor.SECOND)

View = Callable[..., Any]


class OwnPasswordForm(forms.Form):
    """The password of the person who is signed in."""

    password = forms.CharField(
        label=_("Password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "autofocus": True, "dir": "ltr"}),
    )


def required(request: Any, *, now: datetime) -> ReauthenticationRequired | None:
    """Return what the person behind a request has to show before it changes anything; ``None`` for nothing."""
    principal = getattr(request.user, "presented_principal", None)
    if principal is None:
        return ReauthenticationRequired(max_age=RECENT_SECONDS)
    try:
        check_requirement(_REQUIREMENT, principal=principal, user=request.user, now=now)
    except ReauthenticationRequired as error:
        return error
    return None


def asked_first(site: Any, view: View, *, is_exempt: Callable[[View], bool]) -> View:
    """Return a view that asks for a proof before it does what changes something."""
    if is_exempt(view):
        return view

    @wraps(view)
    def asking(request: Any, *args: Any, **options: Any) -> Any:
        page = None if request.method in _SAFE else _page_before(site, request, now=database_clock.now())
        return page if page is not None else view(request, *args, **options)

    return asking


def confirmation_page(site: Any, request: Any) -> Any:
    """Let people confirm who they are before they send something that no page can ask for, such as in the console."""
    due = required(request, now=database_clock.now())
    if request.method == "POST":
        return redirect(request.get_full_path())
    return _page(site, request, due, _form_for(due, request) if due else None, status=200)


def _page_before(site: Any, request: Any, *, now: datetime) -> Any:
    """Return the page that asks, ``None`` if what was sent may be done. Our own fields are taken out of it."""
    due = required(request, now=now)
    sent = request.POST
    others = sent.copy()
    for name in sent:
        if name.startswith(f"{PREFIX}-"):
            del others[name]
    request.POST = others
    if due is None:
        return None
    if len(others) == len(sent):
        return _page(site, request, due, _form_for(due, request))
    if SEND_CODE in sent:
        return _page(site, request, due, _with_mailed_code(request, due, now=now))
    form = _form_for(due, request, sent)
    try:
        if not form.is_valid() or not _is_shown(request, due, form, now=now):
            return _page(site, request, due, form)
    except TokenError:  # the session has ended meanwhile
        return redirect("admin:login")
    admin_sessions.read_again(request)
    further = required(request, now=now)  # a mailed code does not replace the password
    return _page(site, request, further, _form_for(further, request)) if further is not None else None


def _is_by_code(due: ReauthenticationRequired) -> bool:
    return isinstance(due, StepUpRequired)


def _form_for(due: ReauthenticationRequired, request: Any, data: Any = None) -> forms.Form:
    del request
    return (FactorForm if _is_by_code(due) else OwnPasswordForm)(data, prefix=PREFIX)


def _is_by_mail(request: Any, due: ReauthenticationRequired) -> bool:
    """Return whether a finding asks for a proof of somebody who has no second factor to show."""
    return _is_by_code(due) and not request.user.is_mfa_enabled


def _is_shown(request: Any, due: ReauthenticationRequired, form: Any, *, now: datetime) -> bool:
    """Check what was sent; ``False`` if it is wrong. Attempts are counted as those of the API.

    Raises: SessionRevoked of ``tokens``.
    """
    session: dict[str, Any] = {"user": request.user, "session_id": request.user.presented_principal.session_id}
    try:
        if not _is_by_code(due):
            password_sign_in.reauthenticate(**session, password=form.cleaned_data["password"], now=now)
        elif _is_by_mail(request, due):
            mailed_codes.show(**session, code=form.cleaned_data["code"], now=now)
        else:
            reauthentication.show(**session, response=form.response(), now=now)
    except AccountError as refusal:
        form.add_error(None, force_str(refusal.message))
        return False
    return True


def _with_mailed_code(request: Any, due: ReauthenticationRequired, *, now: datetime) -> forms.Form:
    """Mail a code and return the form for it, with a refusal if there is one."""
    principal = request.user.presented_principal
    form = _form_for(due, request)
    try:
        is_due = is_proof_due(principal, now=now)
        mailed_codes.mail(user=request.user, session_id=principal.session_id, is_proof_due=is_due, now=now)
    except AccountError as refusal:
        form = _form_for(due, request, {})
        form.full_clean()
        form.errors.clear()
        form.add_error(None, force_str(refusal.message))
    return form


def _ways_to_show(request: Any, due: ReauthenticationRequired | None) -> ReauthenticationOptions:
    """Return how the person can show the second factor that is due, with a challenge for a security key."""
    if due is None or not _is_by_code(due) or _is_by_mail(request, due):
        return ReauthenticationOptions(methods=(), webauthn=None)
    session_id = request.user.presented_principal.session_id
    return reauthentication.begin(user=request.user, session_id=session_id, now=database_clock.now())


def _page(
    site: Any, request: Any, due: ReauthenticationRequired | None, form: forms.Form | None, *, status: int = 403
) -> TemplateResponse:
    shown = _ways_to_show(request, due)
    context = {
        **site.each_context(request),
        "title": _("Confirm that it is you"),
        "form": form,
        "is_by_code": due is not None and _is_by_code(due),
        "is_by_mail": due is not None and _is_by_mail(request, due),
        "has_application": FactorMethod.TOTP in shown.methods,
        "is_by_key_only": set(shown.methods) == {FactorMethod.WEBAUTHN},
        "key_options": shown.webauthn,
        "key_field": f"{PREFIX}-credential",
        "send_code": SEND_CODE,
        "kept": [(name, value) for name, values in request.POST.lists() if name != _CSRF for value in values],
    }
    return TemplateResponse(request, "admin/confirm.html", context, status=status)
