"""The admin of service clients: register and change them, and show a new secret once."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.template.response import TemplateResponse
from django.utils.encoding import force_str
from django.utils.translation import gettext_lazy as _

from cedrina_base import database_clock
from cedrina_base.read_only_admin import ReadOnlyAdmin
from cedrina_base.reason_form import ReasonForm, ask_for_reason, confirmation_page, reason_field
from tokens.conf import token_settings
from tokens.errors import ServiceClientInvalid, TokenError
from tokens.models import ServiceClient
from tokens.service_clients.members import validated_members
from tokens.service_clients.scopes import SCOPES
from tokens.services import service_clients
from tokens.services.service_clients import operator_of

if TYPE_CHECKING:
    from django.db.models import QuerySet

    ServiceClientModelForm = forms.ModelForm[ServiceClient]
else:
    ServiceClientModelForm = forms.ModelForm  # generic in the type stubs only

_MEMBERS = ("name", "description", "scopes", "authentication_method", "jwks")


def _scope_choices() -> list[tuple[str, str]]:
    return [(scope.name, f"{scope.name}: {force_str(scope.label)}") for scope in SCOPES.values()]


class KeySetField(forms.JSONField):
    """A key set as JSON; empty where there is none."""

    def prepare_value(self, value: Any) -> Any:
        return "" if value is None else super().prepare_value(value)


class ServiceClientForm(ServiceClientModelForm):
    """A service client. Its members are validated in the same words as for the API and the command."""

    scopes = forms.MultipleChoiceField(
        label=_("Scopes"), choices=_scope_choices, widget=forms.CheckboxSelectMultiple, help_text=_("What it may do")
    )
    jwks = KeySetField(
        label=_("Public keys (JWKS)"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 8, "dir": "ltr", "class": "vLargeTextField"}),
        help_text=_("Of a client that signs assertions: a JSON object with the member keys. Never a private key."),
    )
    seen_version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    reason = reason_field()

    class Meta:
        model = ServiceClient
        fields = ("name", "description", "scopes", "authentication_method", "jwks")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if not self.instance._state.adding:
            self.fields["seen_version"].initial = self.instance.version

    def members(self) -> dict[str, Any]:
        """Return the members as the services take them."""
        return {name: self.cleaned_data[name] for name in _MEMBERS if name in self.cleaned_data}

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors:
            try:
                validated_members(self.members())
            except ServiceClientInvalid as error:
                self.add_error(error.member, error.sentence)
        return cleaned


class RotationForm(ReasonForm):
    """Why a secret is rotated, and how long the one before is accepted."""

    overlap = forms.TypedChoiceField(
        label=_("The secret before is accepted for"),
        coerce=int,
        initial=86_400,
        choices=[
            (0, _("no longer: it has leaked")),
            (3600, _("one hour")),
            (86_400, _("one day")),
            (604_800, _("one week")),
            (2_592_000, _("30 days")),
        ],
    )


class ServiceClientAdmin(ReadOnlyAdmin):
    """Service clients. The actions ``service_clients:read`` and ``:change`` allow users to see and change them."""

    form = ServiceClientForm
    list_display = ["name", "scopes_text", "is_enabled", "last_used_at"]
    list_filter = ["is_enabled", "authentication_method"]
    search_fields = ["name", "description", "=id"]
    ordering = ["name"]
    readonly_fields = ("id", "is_enabled", "created_at", "updated_at", "last_used_at", "created_by")
    actions = ["rotate", "disable", "enable", "delete_clients"]

    def has_module_permission(self, request: Any) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: Any, _obj: Any = None) -> bool:
        return token_settings.MAY(request.user, "service_clients:read")

    def has_add_permission(self, request: Any, _obj: Any = None) -> bool:
        return self.has_change_permission(request)

    def has_change_permission(self, request: Any, _obj: Any = None) -> bool:
        return token_settings.MAY(request.user, "service_clients:change")

    def get_fields(self, request: Any, obj: Any = None) -> Any:
        """Show what is fixed only of a client that exists, and the keys only where they can be changed."""
        return [*_MEMBERS, "reason", "seen_version", *(self.readonly_fields if obj is not None else ())]

    def get_readonly_fields(self, request: Any, obj: Any = None) -> Any:
        return self.readonly_fields

    @admin.display(description=_("scopes"))
    def scopes_text(self, client: ServiceClient) -> str:
        return ", ".join(client.scopes)

    def changeform_view(self, request: Any, *args: Any, **options: Any) -> Any:
        """Show a refusal as a message on the page, such as a scope that the operator may not give."""
        try:
            return super().changeform_view(request, *args, **options)
        except TokenError as error:
            self.message_user(request, force_str(error.message), messages.ERROR)
            request.method = "GET"
            return super().changeform_view(request, *args, **options)

    def save_model(self, request: Any, obj: Any, form: Any, change: bool) -> None:
        operator, now = operator_of(request.user, reason=form.cleaned_data["reason"]), database_clock.now()
        if change:
            made = service_clients.change(
                client_id=obj.pk,
                members=form.members(),
                versions=frozenset({form.cleaned_data["seen_version"] or 0}),
                operator=operator,
                now=now,
            )
        else:
            made = service_clients.register(members=form.members(), operator=operator, now=now)
        obj.pk = made.client.pk
        obj.refresh_from_db()
        request._new_secret = made.secret  # noqa: SLF001 - an attribute of ours, for the answer to this request

    def response_add(self, request: Any, obj: Any, post_url_continue: Any = None) -> Any:
        """Show the secret in the answer itself: in a message or a session it would be stored."""
        page = self._page_with_secret(request, obj)
        return page or super().response_add(request, obj, post_url_continue)

    def response_change(self, request: Any, obj: Any) -> Any:
        """Do the same where the way of authentication was changed."""
        return self._page_with_secret(request, obj) or super().response_change(request, obj)

    @admin.action(description=_("Rotate the secret"), permissions=["change"])
    def rotate(self, request: Any, queryset: QuerySet[ServiceClient]) -> Any:
        if len(queryset) != 1:
            self.message_user(request, _("Choose one service client."), messages.ERROR)
            return None
        form = RotationForm.of(request)
        if not form.is_valid():
            return confirmation_page(
                self,
                request,
                form=form,
                rows=queryset,
                title=_("Rotate the secret"),
                template="tokens/rotate_client_secret.html",
            )
        try:
            rotated = service_clients.rotate_secret(
                client_id=queryset[0].pk,
                overlap=timedelta(seconds=form.cleaned_data["overlap"]),
                operator=operator_of(request.user, reason=form.cleaned_data["reason"]),
                now=database_clock.now(),
            )
        except TokenError as error:
            sentence = error.sentence if isinstance(error, ServiceClientInvalid) else error.message
            self.message_user(request, force_str(sentence), messages.ERROR)
            return None
        request._new_secret = rotated.secret  # noqa: SLF001 - an attribute of ours, for the answer to this request
        return self._page_with_secret(request, rotated.client)

    @admin.action(description=_("Disable service clients"), permissions=["change"])
    def disable(self, request: Any, queryset: QuerySet[ServiceClient]) -> Any:
        return self._switch(request, queryset, is_enabled=False, title=_("Disable service clients"))

    @admin.action(description=_("Enable service clients"), permissions=["change"])
    def enable(self, request: Any, queryset: QuerySet[ServiceClient]) -> Any:
        return self._switch(request, queryset, is_enabled=True, title=_("Enable service clients"))

    @admin.action(description=_("Delete service clients"), permissions=["change"])
    def delete_clients(self, request: Any, queryset: QuerySet[ServiceClient]) -> Any:
        def act(client: Any, reason: str) -> bool:
            try:
                service_clients.delete(
                    client_id=client.pk, operator=operator_of(request.user, reason=reason), now=database_clock.now()
                )
            except TokenError as error:
                self.message_user(request, force_str(error.message), messages.ERROR)
                return False
            return True

        return ask_for_reason(self, request, queryset, title=_("Delete service clients"), act=act)

    def _switch(self, request: Any, queryset: QuerySet[ServiceClient], *, is_enabled: bool, title: Any) -> Any:
        def act(client: Any, reason: str) -> bool:
            try:
                service_clients.change(
                    client_id=client.pk,
                    members={},
                    is_enabled=is_enabled,
                    operator=operator_of(request.user, reason=reason),
                    now=database_clock.now(),
                )
            except TokenError as error:
                self.message_user(request, force_str(error.message), messages.ERROR)
                return False
            return True

        return ask_for_reason(self, request, queryset, title=title, act=act)

    def _page_with_secret(self, request: Any, client: ServiceClient) -> TemplateResponse | None:
        secret = getattr(request, "_new_secret", None)
        if secret is None:
            return None
        context = {
            **self.admin_site.each_context(request),
            "title": _("The secret of %(name)s") % {"name": client.name},
            "opts": self.opts,
            "client": client,
            "secret": secret,
        }
        return TemplateResponse(request, "tokens/client_secret.html", context, headers={"Cache-Control": "no-store"})
