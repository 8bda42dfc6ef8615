"""The admin's list of sinks: where events and checkpoints are sent, how far each sink is, and why it stands still."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.utils.encoding import force_str
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.timezone import localtime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cedrina_base.read_only_admin import ReadOnlyAdmin
from security_events.delivery import configured_sinks
from security_events.models import Sink, SinkState
from security_events.selectors.sink_backlogs import MOST_COUNTED, NO_BACKLOG, SinkBacklog, backlogs

KIND_LABELS: Mapping[str, str | Promise] = {
    "webhook": _("webhook"),
    configured_sinks.SYSLOG: _("syslog"),
    configured_sinks.FILE: _("file"),
    configured_sinks.CHECKPOINT_SYSLOG: _("checkpoints by syslog"),
    configured_sinks.CHECKPOINT_FILE: _("checkpoints in a file"),
    configured_sinks.CHECKPOINT_WEBHOOK: _("checkpoints to a URL"),
}


class SinkList(ChangeList):
    """A page of sinks, each with its ``backlog``: one statement for all of them."""

    def get_results(self, request: Any) -> None:
        super().get_results(request)
        self.result_list = list(self.result_list)
        behind = backlogs([sink.pk for sink in self.result_list], checkpoint_kinds=_checkpoint_kinds())
        for sink in self.result_list:
            sink.backlog = behind.get(sink.pk, NO_BACKLOG)


class SinkAdmin(ReadOnlyAdmin):
    """Lists sinks. Webhooks have pages of their own; the others are those of the setting ``AUDIT_SINKS``."""

    list_display = (
        "kind_label",
        "place",
        "delivery_state",
        "waiting",
        "waiting_since",
        "last_delivery",
        "reason",
        "at_risk",
    )
    list_display_links = ["place"]
    ordering = ["kind", "name"]
    readonly_fields = (
        "kind_label",
        "place",
        "delivery_state",
        "waiting",
        "waiting_since",
        "last_delivery",
        "reason",
        "attempts",
        "failing_since",
        "next_attempt_at",
        "at_risk",
        "created_at",
    )
    fields = readonly_fields

    def get_queryset(self, request: Any) -> QuerySet[Sink]:
        return super().get_queryset(request).select_related("risk")

    def get_changelist(self, request: Any, **options: Any) -> Any:
        return SinkList

    @admin.display(description=_("kind"))
    def kind_label(self, sink: Sink) -> str | Promise:
        return KIND_LABELS.get(sink.kind, sink.kind)

    @admin.display(description=_("where"))
    def place(self, sink: Sink) -> str:
        return format_html('<bdi dir="ltr">{}</bdi>', sink.name)

    @admin.display(description=_("state"))
    def delivery_state(self, sink: Sink) -> str:
        if not sink.is_enabled and sink.state != SinkState.GONE:
            return gettext("switched off")
        return force_str(sink.get_state_display())

    @admin.display(description=_("waiting"))
    def waiting(self, sink: Sink) -> str:
        """Return how many events or checkpoints the sink does not have yet."""
        waiting = _backlog_of(sink).waiting
        return str(waiting) if waiting <= MOST_COUNTED else f"> {MOST_COUNTED}"

    @admin.display(description=_("waiting since"))
    def waiting_since(self, sink: Sink) -> str:
        return _moment(_backlog_of(sink).since)

    @admin.display(description=_("last delivery"))
    def last_delivery(self, sink: Sink) -> str:
        return _moment(sink.last_delivered_at)

    @admin.display(description=_("last error"))
    def reason(self, sink: Sink) -> str:
        return format_html("<bdi>{}</bdi>", sink.last_error or "-")

    @admin.display(description=_("may be lost"))
    def at_risk(self, sink: Sink) -> str:
        """Return how many messages the receiver may have lost; only syslog can lose any."""
        risk = getattr(sink, "risk", None)
        return str(risk.messages) if risk else "-"


def _checkpoint_kinds() -> list[str]:
    return list(configured_sinks.CHECKPOINT_KINDS.values())


def _backlog_of(sink: Sink) -> SinkBacklog:
    found = getattr(sink, "backlog", None)
    if isinstance(found, SinkBacklog):
        return found
    return backlogs([sink.pk], checkpoint_kinds=_checkpoint_kinds()).get(sink.pk, NO_BACKLOG)


def _moment(moment: datetime | None) -> str:
    return date_format(localtime(moment), "SHORT_DATETIME_FORMAT") if moment else "-"
