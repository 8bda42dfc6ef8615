"""The page on which an operator confirms an admin action and gives the reason for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from django.db.models import Model, QuerySet

    from cedrina_base.read_only_admin import AnyModelAdmin

REASON_LENGTH = 200
MOST_ROWS = 200  # of one action: each row takes a transaction, and the page lists them all
TEMPLATE = "cedrina_base/confirm_with_reason.html"


def reason_field(**attributes: Any) -> forms.CharField:
    """Return a form field for the reason of a change; ``attributes`` are added to its HTML element."""
    return forms.CharField(
        label=_("Reason"),
        max_length=REASON_LENGTH,
        help_text=_("It is recorded with your name. Write no passwords and no personal data."),
        widget=forms.TextInput(attrs={"class": "vTextField", **attributes}),
    )


class ReasonForm(forms.Form):
    """The reason of an action. It stays in the record for ever."""

    reason = reason_field(autofocus=True)

    @classmethod
    def of(cls, request: Any) -> ReasonForm:
        """Return the form as it was sent from the confirmation page, or an empty one for its first display."""
        return cls(request.POST if "confirmed" in request.POST else None)


def ask_for_reason(
    model_admin: AnyModelAdmin,
    request: Any,
    queryset: QuerySet[Any],
    *,
    title: Any,
    act: Callable[[Model, str], bool],
) -> TemplateResponse | None:
    """Show which rows an action will change and ask for the reason.

    Once it is given, call ``act(row, reason)`` for each row and show for how many it returned ``True``. An action on
    nothing says so.
    """
    rows = list(queryset[: MOST_ROWS + 1])
    if len(rows) > MOST_ROWS:
        text = _("%(title)s: choose at most %(most)d. Nothing changed.") % {"title": title, "most": MOST_ROWS}
        model_admin.message_user(request, text, messages.ERROR)
        return None
    if not rows:
        text = _("%(title)s: nothing was chosen, nothing changed.") % {"title": title}
        model_admin.message_user(request, text, messages.WARNING)
        return None
    form = ReasonForm.of(request)
    if not form.is_valid():
        return confirmation_page(model_admin, request, form=form, rows=rows, title=title)
    done = sum(bool(act(row, form.cleaned_data["reason"])) for row in rows)
    counts = {"title": title, "done": done, "chosen": len(rows)}
    if done == 0:
        model_admin.message_user(request, _("%(title)s: nothing changed.") % counts, messages.WARNING)
    elif done < len(rows):
        text = _("%(title)s: done to %(done)d of %(chosen)d. The others were so already, or were refused.") % counts
        model_admin.message_user(request, text, messages.WARNING)
    else:
        model_admin.message_user(request, _("%(title)s: done to %(done)d.") % counts, messages.SUCCESS)
    return None


def confirmation_page(
    model_admin: AnyModelAdmin,
    request: Any,
    *,
    form: ReasonForm,
    rows: Iterable[Any],
    title: Any,
    template: str = TEMPLATE,
) -> TemplateResponse:
    """Return the page that asks for the reason of the action that ``request`` has chosen for ``rows``."""
    context = {
        **model_admin.admin_site.each_context(request),
        "title": title,
        "opts": model_admin.opts,
        "form": form,
        "rows": rows,
        "action": request.POST.get("action", ""),
        "checkbox_name": ACTION_CHECKBOX_NAME,
    }
    return TemplateResponse(request, template, context)


def delete_one(page: Any, request: Any, object_id: str) -> Any:
    """Delete one row on the page that asks for the reason: by the action ``delete_selected`` of its admin page.

    Raises: PermissionDenied.
    """
    if not page.has_delete_permission(request):
        raise PermissionDenied
    found = page.get_object(request, unquote(object_id))
    asked = page.delete_selected(request, page.get_queryset(request).filter(pk=found.pk)) if found else None
    return asked or redirect(f"admin:{page.opts.app_label}_{page.opts.model_name}_changelist")
