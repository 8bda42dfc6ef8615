"""The table of sinks: the receivers that events are delivered to, each with its own position in the trail."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from cedrina_base.uuids import uuid7


class SinkState(models.TextChoices):
    """How the delivery to a sink goes."""

    ACTIVE = "active", _("delivering")
    FAILING = "failing", _("failing, tried again")
    PARKED = "parked", _("parked: failing for days, probed now and then")
    GONE = "gone", _("disabled by its receiver")


class Sink(models.Model):
    """A receiver of events. ``kind`` names the code that delivers to it, ``name`` tells sinks of a kind apart.

    ``transaction_id`` and ``event_id`` are the position of the last event that was delivered. One process at a time
    delivers to a sink: the one whose ``lease_id`` is stored, until ``leased_until`` by the clock of the database.
    ``open_requests`` counts what the kind was asked to send beside the trail, such as a test.
    """

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(_("kind"), max_length=32)
    name = models.CharField(_("name"), max_length=200)
    is_enabled = models.BooleanField(_("enabled"), default=True)
    transaction_id = models.BigIntegerField(default=0)
    event_id = models.UUIDField()
    state = models.CharField(_("state"), max_length=16, choices=SinkState, default=SinkState.ACTIVE)
    attempts = models.PositiveIntegerField(_("failed attempts"), default=0)
    failing_since = models.DateTimeField(_("failing since"), null=True, blank=True)
    next_attempt_at = models.DateTimeField(_("next attempt"), null=True, blank=True)
    last_error = models.CharField(_("last error"), max_length=200, blank=True)
    last_delivered_at = models.DateTimeField(_("last delivery"), null=True, blank=True)
    open_requests = models.PositiveIntegerField(default=0)
    lease_id = models.UUIDField(null=True, blank=True)
    leased_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(_("created at"))

    class Meta:
        verbose_name = _("sink")
        verbose_name_plural = _("sinks")
        constraints = [models.UniqueConstraint(fields=["kind", "name"], name="security_events_sink_name")]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"
