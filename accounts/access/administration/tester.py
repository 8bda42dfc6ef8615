"""The tester: may this person do this there, then, and why? It asks the policy in force and changes nothing."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.access.administration.base import VIEW, named
from accounts.access.administration.forms import TesterForm
from accounts.access.conf import access_settings
from accounts.access.services.explanation import explain
from accounts.access.types import Question

_PREFIXES = ("user:", "client:")


def tester(site: Any, request: Any) -> TemplateResponse:
    """Return the page, with the answer if a question was sent."""
    if not request.user.has_perm(VIEW):
        raise PermissionDenied
    form = TesterForm(request.GET if "subject" in request.GET else None)
    context = {**site.each_context(request), "title": _("Try the policy"), "form": form}
    if form.is_valid():
        context |= _answer(request, form)
    return TemplateResponse(request, "access/tester.html", context)


def _answer(request: Any, form: TesterForm) -> dict[str, Any]:
    given = form.cleaned_data
    at, name = given["at"] or timezone.now(), given["subject"].strip()
    subject = name if name.startswith(_PREFIXES) else access_settings.SUBJECT_OF_NAME(request.user, name)
    facts = access_settings.FIND_SUBJECT(subject, at) if subject else None
    if facts is None:
        form.add_error("subject", _("There is nobody of this name, or the account is closed."))
        return {}
    question = Question(given["object"], given["action"], given["attributes"])
    found = explain(facts, question, at=at)
    return {
        "found": found,
        "facts": facts,
        "at": at,
        "who": named(request.user, [facts.subject])[facts.subject],
        "question": question,
    }
