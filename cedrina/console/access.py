"""Who may use the console, and the shape of its JSON calls."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache

from accounts.access.services.decisions import may
from accounts.administration import admin_reauthentication
from cedrina.http import problems
from cedrina_base.errors import AppError

# One of these opens the console; each of its parts asks for its own right again.
OPENING = ("events:read", "incidents:read")

View = Callable[..., HttpResponse]


def may_open(user: Any) -> bool:
    """Return whether a member of the staff may see the console."""
    return any(may(user, action) for action in OPENING)


def json_call(method: str, *, action: str = "") -> Callable[[View], View]:
    """Declare a view as a JSON call of the console: errors are problems, never a redirect to the sign-in.

    Without an ``action`` whoever may open the console may call it. A POST with one asks for a recent proof of who
    calls, as all pages of the admin do.
    """

    def declare(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *arguments: Any, **names: Any) -> HttpResponse:
            if request.method != method:
                answer = problems.response(request, "method_not_allowed")
                answer["Allow"] = method
                return answer
            if not admin.site.has_permission(request):
                return problems.response(request, "authentication_required")
            if not (may(request.user, action) if action else may_open(request.user)):
                return problems.response(request, "permission_denied")
            # A call with an action changes something, if it is a POST.
            due = admin_reauthentication.required(request, now=timezone.now()) if action and method == "POST" else None
            if due is not None:
                return problems.response(request, due.code)
            return view(request, *arguments, **names)

        return never_cache(guarded)

    return declare


def refusal(request: HttpRequest, error: AppError) -> HttpResponse:
    """Return the refusal of a service with its sentence."""
    return problems.response(request, error.code, detail=str(error.message))


def invalid(request: HttpRequest, form: Any) -> HttpResponse:
    """Return what is wrong with a form, by its fields, in one sentence each."""
    sentences = [str(error) for errors in form.errors.values() for error in errors]
    return problems.response(request, "validation_error", detail=" ".join(sentences))
