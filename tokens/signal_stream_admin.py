"""The admin of streams of shared signals: whose they are, how the delivery goes; pause, resume and delete them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from cedrina_base import database_clock
from cedrina_base.read_only_admin import ReadOnlyAdmin, short_id
from cedrina_base.reason_form import ask_for_reason
from tokens import selectors
from tokens.conf import token_settings
from tokens.models import SignalStream, StreamStatus
from tokens.services.shared_signals import stream_status, streams
from tokens.services.shared_signals.security_event_tokens import audience_of
from tokens.services.shared_signals.stream_owners import MANAGE, READ
from tokens.users import subject_of

if TYPE_CHECKING:
    from django.db.models import QuerySet

_NONE = "-"


class SignalStreamAdmin(ReadOnlyAdmin):
    """Streams. The action ``ssf:read`` allows users to see all, ``ssf:manage`` to pause, resume and delete them.

    The receiver's credential is shown nowhere, and its address without what may be a secret of it.
    """

    list_display = ["identity", "owner", "delivery_method", "status", "sink_state", "backlog", "delivered_at", "error"]
    list_filter = ["status", "delivery_method"]
    list_select_related = ["sink", "client", "user"]
    search_fields = ["=pk", "description", "client__name"]
    ordering = ["-pk"]
    readonly_fields = (
        "identity",
        "owner",
        "description",
        "delivery_method",
        "receiver",
        "audience",
        "events",
        "user_format",
        "status",
        "status_reason",
        "is_held",
        "sink_state",
        "backlog",
        "failed_attempts",
        "next_attempt_at",
        "delivered_at",
        "error",
        "refusals",
        "last_refusal",
        "last_refusal_at",
        "verified_at",
        "created_at",
        "updated_at",
    )
    fields = readonly_fields
    actions = ["pause", "resume", "delete_streams"]

    def has_module_permission(self, request: Any) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: Any, _obj: Any = None) -> bool:
        return token_settings.MAY(request.user, READ)

    def has_manage_permission(self, request: Any) -> bool:
        return token_settings.MAY(request.user, MANAGE)

    def get_queryset(self, request: Any) -> QuerySet[SignalStream]:
        return super().get_queryset(request).defer("authorization_header")

    @admin.display(description=_("stream"))
    def identity(self, stream: SignalStream) -> str:
        return short_id(stream.pk)

    @admin.display(description=_("owner"))
    def owner(self, stream: SignalStream) -> str:
        return str(stream.client or stream.user)

    @admin.display(description=_("receiver"))
    def receiver(self, stream: SignalStream) -> str:
        """Return the host only: path and query of an address may be a secret."""
        return urlsplit(stream.endpoint_url).hostname or _NONE

    @admin.display(description=_("audience"))
    def audience(self, stream: SignalStream) -> str:
        return audience_of(stream)

    @admin.display(description=_("events"))
    def events(self, stream: SignalStream) -> str:
        return ", ".join(uri.rpartition("/")[2] for uri in streams.delivered_events(stream))

    @admin.display(description=_("state of the delivery"))
    def sink_state(self, stream: SignalStream) -> str:
        return str(stream.sink.get_state_display())

    @admin.display(description=_("waiting signals"))
    def backlog(self, stream: SignalStream) -> str:
        backlog = selectors.signal_backlog(stream=stream)
        return f"{backlog.waiting}+" if backlog.is_cut else str(backlog.waiting)

    @admin.display(description=_("failed attempts"))
    def failed_attempts(self, stream: SignalStream) -> int:
        return stream.sink.attempts

    @admin.display(description=_("next attempt at"))
    def next_attempt_at(self, stream: SignalStream) -> Any:
        return stream.sink.next_attempt_at or _NONE

    @admin.display(description=_("last delivered at"))
    def delivered_at(self, stream: SignalStream) -> Any:
        return stream.sink.last_delivered_at or _NONE

    @admin.display(description=_("last error"))
    def error(self, stream: SignalStream) -> str:
        return stream.sink.last_error or _NONE

    @admin.action(description=_("Pause streams"), permissions=["manage"])
    def pause(self, request: Any, queryset: QuerySet[SignalStream]) -> Any:
        return self._set(request, queryset, StreamStatus.PAUSED, title=_("Pause streams"))

    @admin.action(description=_("Resume streams"), permissions=["manage"])
    def resume(self, request: Any, queryset: QuerySet[SignalStream]) -> Any:
        return self._set(request, queryset, StreamStatus.ENABLED, title=_("Resume streams"))

    @admin.action(description=_("Delete streams"), permissions=["manage"])
    def delete_streams(self, request: Any, queryset: QuerySet[SignalStream]) -> Any:
        def act(stream: Any, reason: str) -> bool:
            return streams.delete_for_operator(
                stream_id=stream.pk,
                actor=subject_of(request.user),
                note=reason,
                now=database_clock.now(),
            )

        return ask_for_reason(self, request, queryset, title=_("Delete streams"), act=act)

    def _set(self, request: Any, queryset: QuerySet[SignalStream], status: StreamStatus, *, title: Any) -> Any:
        def act(stream: Any, reason: str) -> bool:
            return stream_status.set_by_operator(
                stream_id=stream.pk,
                status=status,
                actor=subject_of(request.user),
                note=reason,
                now=database_clock.now(),
            )

        return ask_for_reason(self, request, queryset, title=title, act=act)
