"""What the admin's pages of rules and of roles share: they are changed by a form with a reason, or by a draft."""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_protect

from accounts.access.administration.base import AccessAdmin, author_of, sentence
from accounts.access.administration.draft_admin import draft_page, make_draft
from accounts.access.administration.forms import DRAFT
from accounts.access.errors import AccessError
from accounts.access.services.policy_changes import PolicyWriter, Versions, policy_change
from cedrina_base.reason_form import ask_for_reason, delete_one


class DocumentAdmin(AccessAdmin):
    """Base of the pages. A subclass says how one row is stored, proposed and removed."""

    actions = ["delete_selected"]

    def store(self, writer: PolicyWriter, row: Any, form: Any, *, versions: Versions) -> Any:
        """Store what a form says and return the row; ``versions`` is ``None`` for a new one."""
        raise NotImplementedError(type(self).__name__)

    def proposal(self, row: Any, form: Any, *, is_new: bool) -> dict[str, Any]:
        """Return what a form says as a change of a draft."""
        raise NotImplementedError(type(self).__name__)

    def remove(self, writer: PolicyWriter, row: Any) -> None:
        """Delete a row."""
        raise NotImplementedError(type(self).__name__)

    def context_of(self, request: Any, object_id: str | None) -> dict[str, Any]:
        """Return what the page of a row shows besides its form."""
        del request, object_id
        return {}

    def has_add_permission(self, request: Any, _obj: Any = None) -> bool:
        return self.has_policy_permission(request)

    def has_change_permission(self, request: Any, _obj: Any = None) -> bool:
        return self.has_policy_permission(request)

    def has_delete_permission(self, request: Any, _obj: Any = None) -> bool:
        return self.has_policy_permission(request)

    def changeform_view(
        self, request: Any, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        """Show a refusal on the page, beside the input."""
        extra = {**(extra_context or {}), **self.context_of(request, object_id)}
        try:
            return super().changeform_view(request, object_id, form_url, extra)
        except AccessError as error:
            request.access_refusal = sentence(error)
            return super().changeform_view(request, object_id, form_url, extra)

    def get_form(self, request: Any, obj: Any = None, change: bool = False, **options: Any) -> Any:
        form: Any = super().get_form(request, obj, change=change, **options)
        form.refusal = getattr(request, "access_refusal", "")
        return form

    def save_model(self, request: Any, obj: Any, form: Any, change: bool) -> None:
        given = form.cleaned_data
        if DRAFT in request.POST:
            make_draft(request, [self.proposal(obj, form, is_new=not change)], reason=given["reason"])
            return
        versions = {given["seen_version"] or 0} if change else None
        with policy_change(author=author_of(request), reason=given["reason"], now=timezone.now()) as writer:
            stored = self.store(writer, obj, form, versions=versions)
        obj.pk = stored.pk
        obj.refresh_from_db()

    def response_add(self, request: Any, obj: Any, post_url_continue: Any = None) -> Any:
        return draft_page(request) or super().response_add(request, obj, post_url_continue)

    def response_change(self, request: Any, obj: Any) -> Any:
        return draft_page(request) or super().response_change(request, obj)

    @method_decorator(csrf_protect)
    def delete_view(self, request: Any, object_id: str, _extra_context: dict[str, Any] | None = None) -> Any:
        """Delete one row on the page that asks for the reason, as the action does for several."""
        return delete_one(self, request, object_id)

    def delete_selected(self, request: Any, queryset: QuerySet[Any]) -> Any:
        """Delete rows: in the place of Django's action of this name, which asks for no reason."""
        raise NotImplementedError(type(self).__name__)

    def delete_rows(self, request: Any, queryset: QuerySet[Any], *, title: Any) -> Any:
        """Ask for the reason, then delete the rows, each as a version of the policy."""

        def delete(row: Any, reason: str) -> bool:
            def change() -> None:
                with policy_change(author=author_of(request), reason=reason, now=timezone.now()) as writer:
                    self.remove(writer, row)

            return self.attempt(request, change)

        return ask_for_reason(self, request, queryset, title=title, act=delete)
