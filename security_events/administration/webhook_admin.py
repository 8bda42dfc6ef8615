"""The admin's pages of webhooks: register, change and test them, and show a new secret once."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.encoding import force_str
from django.utils.translation import gettext_lazy as _

from cedrina_base.read_only_admin import ReadOnlyAdmin
from security_events.administration.webhook_form import OverlapForm, WebhookForm
from security_events.errors import SecurityEventRefusal
from security_events.models import SinkState, Webhook
from security_events.services import webhooks
from security_events.types import Subject
from security_events.webhooks.members import host_of

if TYPE_CHECKING:
    from django.db.models import QuerySet

_OF_SINK = ("state", "failed_attempts", "last_error", "next_attempt", "last_delivery", "public_key")


class WebhookAdmin(ReadOnlyAdmin):
    """Webhooks. Django's permission to change them allows to add and delete them, too."""

    form = WebhookForm
    list_display = ["host", "state", "types_text", "last_delivery", "last_error"]
    list_select_related = ["sink"]
    ordering = ["-pk"]
    readonly_fields = (*_OF_SINK, "created_by", "updated_at")
    actions = ["send_test", "rotate"]

    def has_add_permission(self, request: Any, _obj: Any = None) -> bool:
        return self.has_change_permission(request)

    def has_change_permission(self, request: Any, _obj: Any = None) -> bool:
        return bool(request.user.has_perm("security_events.change_webhook"))

    def has_delete_permission(self, request: Any, _obj: Any = None) -> bool:
        return self.has_change_permission(request)

    def get_fields(self, request: Any, obj: Any = None) -> Any:
        members = ["url", "types", "format", "enabled"]
        return [*members, *(["seen_version", *self.readonly_fields] if obj is not None else [])]

    def get_deleted_objects(self, objs: Any, request: Any) -> Any:
        """List the webhooks only: their logs have thousands of lines."""
        return [str(each) for each in objs], {force_str(self.opts.verbose_name_plural): len(objs)}, set(), []

    @admin.display(description=_("receiver"))
    def host(self, webhook: Webhook) -> str:
        return host_of(webhook.url)

    @admin.display(description=_("state"))
    def state(self, webhook: Webhook) -> Any:
        is_stopped = not webhook.sink.is_enabled and webhook.sink.state != SinkState.GONE
        return _("disabled") if is_stopped else webhook.sink.get_state_display()

    @admin.display(description=_("types"))
    def types_text(self, webhook: Webhook) -> Any:
        return ", ".join(webhook.types[:3]) + (" …" if len(webhook.types) > 3 else "") if webhook.types else _("all")

    @admin.display(description=_("failed attempts"))
    def failed_attempts(self, webhook: Webhook) -> int:
        return webhook.sink.attempts

    @admin.display(description=_("last error"))
    def last_error(self, webhook: Webhook) -> str:
        return webhook.sink.last_error

    @admin.display(description=_("next attempt"))
    def next_attempt(self, webhook: Webhook) -> Any:
        return webhook.sink.next_attempt_at or "-"

    @admin.display(description=_("last delivery"))
    def last_delivery(self, webhook: Webhook) -> Any:
        return webhook.sink.last_delivered_at or "-"

    @admin.display(description=_("public key"))
    def public_key(self, webhook: Webhook) -> str:
        newest = webhook.secrets.order_by("-pk").first()
        return newest.public_key if newest else ""

    def changeform_view(self, request: Any, *args: Any, **options: Any) -> Any:
        """Show a refusal as a message on the page, such as a change of somebody else."""
        try:
            return super().changeform_view(request, *args, **options)
        except SecurityEventRefusal as error:
            self.message_user(request, force_str(error.message), messages.ERROR)
            request.method = "GET"
            return super().changeform_view(request, *args, **options)

    def save_model(self, request: Any, obj: Any, form: Any, change: bool) -> None:
        actor, now, is_enabled = _actor(request), timezone.now(), form.cleaned_data["enabled"]
        if not change:
            made = webhooks.create(members=form.members(), is_enabled=is_enabled, actor=actor, now=now)
            request._new_secret = made.secret  # noqa: SLF001 - an attribute of ours, for the answer to this request
            obj.pk = made.webhook.pk
        else:
            webhooks.change(
                webhook_id=obj.pk,
                members=form.members(),
                is_enabled=is_enabled,
                versions=frozenset({form.cleaned_data["seen_version"] or 0}),
                actor=actor,
                now=now,
            )
        obj.refresh_from_db()

    def delete_model(self, request: Any, obj: Any) -> None:
        webhooks.delete(webhook_id=obj.pk, actor=_actor(request), now=timezone.now())

    def delete_queryset(self, request: Any, queryset: QuerySet[Webhook]) -> None:
        for webhook in queryset:
            self.delete_model(request, webhook)

    def response_add(self, request: Any, obj: Any, post_url_continue: Any = None) -> Any:
        """Show the secret in the answer itself: in a message or a session it would be stored."""
        page = self._page_with_secret(request, obj)
        return page or super().response_add(request, obj, post_url_continue)

    @admin.action(description=_("Send a test"), permissions=["change"])
    def send_test(self, request: Any, queryset: QuerySet[Webhook]) -> None:
        for webhook in queryset:
            try:
                webhooks.request_test(webhook_id=webhook.pk, now=timezone.now())
            except SecurityEventRefusal as error:
                self.message_user(request, force_str(error.message), messages.ERROR)
            else:
                text = _("A test is sent to %(host)s. The list of deliveries shows what became of it.")
                self.message_user(request, text % {"host": host_of(webhook.url)}, messages.SUCCESS)

    @admin.action(description=_("Rotate the secret"), permissions=["change"])
    def rotate(self, request: Any, queryset: QuerySet[Webhook]) -> Any:
        if len(queryset) != 1:
            self.message_user(request, _("Choose one webhook."), messages.ERROR)
            return None
        form = OverlapForm(request.POST if "confirmed" in request.POST else None)
        if not form.is_valid():
            context = {
                **self.admin_site.each_context(request),
                "title": _("Rotate the secret"),
                "opts": self.opts,
                "form": form,
                "webhook": queryset[0],
                "checkbox_name": ACTION_CHECKBOX_NAME,
            }
            return TemplateResponse(request, "security_events/rotate_webhook_secret.html", context)
        made = webhooks.rotate_secret(
            webhook_id=queryset[0].pk,
            overlap=timedelta(seconds=form.cleaned_data["overlap"]),
            actor=_actor(request),
            now=timezone.now(),
        )
        request._new_secret = made.secret  # noqa: SLF001 - an attribute of ours, for the answer to this request
        return self._page_with_secret(request, made.webhook)

    def _page_with_secret(self, request: Any, webhook: Webhook) -> TemplateResponse | None:
        secret = getattr(request, "_new_secret", None)
        if secret is None:
            return None
        context = {
            **self.admin_site.each_context(request),
            "title": _("The secret of %(name)s") % {"name": host_of(webhook.url)},
            "opts": self.opts,
            "secret": secret,
            "public_key": self.public_key(webhook),
        }
        headers = {"Cache-Control": "no-store"}
        return TemplateResponse(request, "security_events/webhook_secret.html", context, headers=headers)


def _actor(request: Any) -> Subject:
    return Subject(str(request.user.pk), request.user.get_username())
