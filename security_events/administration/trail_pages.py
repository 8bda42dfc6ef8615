"""The admin's pages of the sealed trail: its checkpoints and the keys that sign them. They are read-only."""

from base64 import b64encode
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.timesince import timesince
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from cedrina_base.read_only_admin import ReadOnlyAdmin, short_id
from security_events.api.note_file import note_file
from security_events.models import AuditKey, TrailCheckpoint
from security_events.selectors.sealing.sealing_state import MOST_COUNTED, sealing_state
from security_events.verifier import verification_key


class TrailAdmin(ReadOnlyAdmin):
    """Shows rows to those who may read events."""

    def has_module_permission(self, request: Any) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: Any, _obj: Any = None) -> bool:
        return bool(request.user.has_perm("security_events.view_securityevent"))


class CheckpointAdmin(TrailAdmin):
    """Lists checkpoints, the newest first, says what is not sealed yet, and gives each note as a file."""

    list_display = ["size", "created_at", "age", "key", "witnesses"]
    ordering = ["-size"]
    readonly_fields = (
        "size",
        "root_in_base64",
        "created_at",
        "age",
        "key",
        "first_event",
        "last_event",
        "signed_note",
        "witnesses",
        "download",
    )
    fields = readonly_fields

    def get_queryset(self, request: Any) -> QuerySet[TrailCheckpoint]:
        return super().get_queryset(request).prefetch_related("cosignatures")

    def get_urls(self) -> list[Any]:
        own = path(
            "<path:object_id>/note.txt",
            self.admin_site.admin_view(self.note),
            name="security_events_trailcheckpoint_note",
        )
        return [own, *super().get_urls()]

    def changelist_view(self, request: Any, extra_context: dict[str, Any] | None = None) -> Any:
        return super().changelist_view(request, {"subtitle": state_sentence(), **(extra_context or {})})

    def note(self, request: Any, object_id: str) -> Any:
        """Return the signed note of a checkpoint as a file."""
        checkpoint = self.get_object(request, object_id)
        if not self.has_view_permission(request, checkpoint):
            raise PermissionDenied
        if checkpoint is None:
            return redirect("admin:security_events_trailcheckpoint_changelist")
        return note_file(checkpoint)

    @admin.display(description=_("root"))
    def root_in_base64(self, checkpoint: TrailCheckpoint) -> str:
        return _literal(b64encode(checkpoint.root).decode())

    @admin.display(description=_("age"))
    def age(self, checkpoint: TrailCheckpoint) -> str:
        return timesince(checkpoint.created_at, timezone.now(), depth=1)

    @admin.display(description=_("audit key"))
    def key(self, checkpoint: TrailCheckpoint) -> str:
        url = reverse("admin:security_events_auditkey_change", args=[checkpoint.key_id])
        return format_html('<a href="{}">{}</a>', url, short_id(checkpoint.key_id))

    @admin.display(description=_("first event"))
    def first_event(self, checkpoint: TrailCheckpoint) -> str:
        return _event(checkpoint.events_from)

    @admin.display(description=_("last event"))
    def last_event(self, checkpoint: TrailCheckpoint) -> str:
        return _event(checkpoint.events_to)

    @admin.display(description=_("signed note"))
    def signed_note(self, checkpoint: TrailCheckpoint) -> str:
        return format_html('<pre class="signed-note" dir="ltr" tabindex="0">{}</pre>', checkpoint.note)

    @admin.display(description=_("cosignatures"))
    def witnesses(self, checkpoint: TrailCheckpoint) -> str:
        return ", ".join(each.witness for each in checkpoint.cosignatures.all()) or "-"

    @admin.display(description=_("file"))
    def download(self, checkpoint: TrailCheckpoint) -> str:
        url = reverse("admin:security_events_trailcheckpoint_note", args=[checkpoint.pk])
        return format_html('<a href="{}">{}</a>', url, gettext("Download the signed note"))


class AuditKeyAdmin(TrailAdmin):
    """Lists audit keys, without their private halves."""

    list_display = ["kid", "created_at", "began_at_size", "retired_at", "ended_at_size"]
    ordering = ["-began_at_size", "-created_at"]
    readonly_fields = (
        "kid",
        "name",
        "verification_key",
        "created_at",
        "began_at_size",
        "retired_at",
        "ended_at_size",
    )
    fields = readonly_fields

    def get_queryset(self, request: Any) -> QuerySet[AuditKey]:
        return super().get_queryset(request).defer("private_key")

    @admin.display(description=_("verification key"))
    def verification_key(self, key: AuditKey) -> str:
        return _literal(verification_key(key.name, bytes(key.public_key)))


def state_sentence() -> str:
    """Return how many events are not sealed yet, and for how long the oldest one has been waiting."""
    state = sealing_state()
    if not state.unsealed:
        return gettext("All events are sealed.")
    number = f"{state.unsealed}+" if state.unsealed >= MOST_COUNTED else str(state.unsealed)
    words = ngettext(
        "%(number)s event is not sealed yet; it has been waiting for %(time)s.",
        "%(number)s events are not sealed yet; the oldest one has been waiting for %(time)s.",
        state.unsealed,
    )
    now = timezone.now()
    return words % {"number": number, "time": timesince(now - state.waiting(now=now), now, depth=1)}


def _event(event_id: Any) -> str:
    url = reverse("admin:security_events_securityevent_change", args=[event_id])
    return format_html('<a href="{}"><bdi>{}</bdi></a>', url, event_id)


def _literal(text: str) -> str:
    return format_html('<code class="literal" dir="ltr">{}</code>', text)
