"""The table of security events."""

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from security_events.catalogue import CATALOGUE, type_choices
from security_events.types import Category, Outcome, Severity

# How the admin shows codes. Types are shown as they are, so that they can be looked up in documents and queries.
_LABELS = {
    Category.ACCOUNT: _("account"),
    Category.AUTHENTICATION: _("authentication"),
    Category.AUTHORIZATION: _("authorization"),
    Category.SESSION: _("session"),
    Category.KEY: _("key"),
    Category.RATELIMIT: _("rate limit"),
    Category.NETWORK: _("network"),
    Category.JOB: _("background job"),
    Category.DELIVERY: _("delivery"),
    Category.DETECTION: _("detection"),
    Severity.INFO: _("info"),
    Severity.LOW: _("low"),
    Severity.MEDIUM: _("medium"),
    Severity.HIGH: _("high"),
    Severity.CRITICAL: _("critical"),
    Outcome.SUCCESS: _("success"),
    Outcome.FAILURE: _("failure"),
}


def category_choices() -> list[tuple[str, str | Promise]]:
    """Return Cedrina's categories, then the further ones of other apps' event types; those have no translation."""
    further = {each.category for each in CATALOGUE.values()} - set(Category)
    return [(value, _LABELS[value]) for value in Category] + [(value, value) for value in sorted(further)]


class SecurityEvent(models.Model):
    """A security event: something that somebody or something did, in the transaction of the change that it records.

    The table is partitioned by month and append-only: triggers refuse UPDATE, DELETE and TRUNCATE. A model can express
    neither, so Django does not manage the table; the migrations create it. An event outlives people and sessions, so
    it holds copies of their ids and masked names instead of foreign keys.
    """

    id = models.UUIDField(_("id"), primary_key=True, editable=False)
    occurred_at = models.DateTimeField(_("occurred at"))
    type = models.CharField(_("type"), max_length=64, choices=type_choices)
    category = models.CharField(_("category"), max_length=32, choices=category_choices)
    severity = models.CharField(_("severity"), max_length=16, choices=[(value, _LABELS[value]) for value in Severity])
    outcome = models.CharField(_("outcome"), max_length=16, choices=[(value, _LABELS[value]) for value in Outcome])
    actor_id = models.CharField(_("actor id"), max_length=64, blank=True)
    actor_name = models.CharField(_("actor"), max_length=254, blank=True)
    actor_pseudonym = models.CharField(_("actor's pseudonym"), max_length=32, blank=True)
    target_id = models.CharField(_("target id"), max_length=64, blank=True)
    target_name = models.CharField(_("target"), max_length=254, blank=True)
    session_id = models.UUIDField(_("session"), null=True, blank=True)
    family_id = models.UUIDField(_("token family"), null=True, blank=True)
    correlation_id = models.CharField(_("correlation id"), max_length=64, blank=True)
    ip_address = models.GenericIPAddressField(_("address"), null=True, blank=True)
    user_agent = models.CharField(_("user agent"), max_length=512, blank=True)
    risk_score = models.PositiveSmallIntegerField(_("risk"))
    risk_reasons = models.JSONField(_("reasons"), default=list, blank=True)
    data = models.JSONField(_("data"), default=dict, blank=True)

    class Meta:
        managed = False
        db_table = "security_events_event"
        verbose_name = _("security event")
        verbose_name_plural = _("security events")

    def __str__(self) -> str:
        return f"{self.type} {self.id}"
