"""What the admins of all apps share: reading is free of side effects, and acting takes a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db.models import Model, QuerySet

    Page = admin.ModelAdmin[Any]
else:
    Page = admin.ModelAdmin  # generic in the stubs alone

REASON_LENGTH = 200


class ReadOnlyAdmin(Page):
    """Rows to look at. What can be done to them are actions that go through services."""

    list_per_page = 50
    show_full_result_count = False
    actions_selection_counter = True

    def has_add_permission(self, _request: Any, _obj: Any = None) -> bool:
        return False

    def has_change_permission(self, _request: Any, _obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, _request: Any, _obj: Any = None) -> bool:
        return False


class ReasonForm(forms.Form):
    """Why somebody does this: it stands in the record for ever."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=REASON_LENGTH,
        help_text=_("It is recorded with your name. Write no passwords and no personal data."),
        widget=forms.TextInput(attrs={"class": "vTextField", "autofocus": True}),
    )


def ask_for_reason(
    page: Page,
    request: Any,
    queryset: QuerySet[Any],
    *,
    title: Any,
    act: Callable[[Model, str], bool],
) -> TemplateResponse | None:
    """Show what is about to be done and ask why; once told, do it to each row and say to how many."""
    form = ReasonForm(request.POST if "confirmed" in request.POST else None)
    if form.is_valid():
        done = sum(bool(act(row, form.cleaned_data["reason"])) for row in queryset)
        page.message_user(request, _("%(title)s: done to %(done)d.") % {"title": title, "done": done}, messages.SUCCESS)
        return None
    context = {
        **page.admin_site.each_context(request),
        "title": title,
        "opts": page.opts,
        "form": form,
        "rows": queryset,
        "action": request.POST["action"],
        "checkbox_name": ACTION_CHECKBOX_NAME,
    }
    return TemplateResponse(request, "admin/confirm_with_reason.html", context)
