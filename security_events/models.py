"""What happened: rows that are only ever added."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from security_events.catalogue import CATALOGUE, type_choices
from security_events.types import Category, Outcome, Severity

# How the admin shows codes. Types stay as they are: they are looked up in documents and queries.
_WORDS = {
    Category.ACCOUNT: _("account"),
    Category.AUTHENTICATION: _("authentication"),
    Category.AUTHORIZATION: _("authorization"),
    Category.SESSION: _("session"),
    Category.KEY: _("key"),
    Category.RATELIMIT: _("rate limit"),
    Category.NETWORK: _("network"),
    Severity.INFO: _("info"),
    Severity.LOW: _("low"),
    Severity.MEDIUM: _("medium"),
    Severity.HIGH: _("high"),
    Severity.CRITICAL: _("critical"),
    Outcome.SUCCESS: _("success"),
    Outcome.FAILURE: _("failure"),
}


def category_choices() -> list[tuple[str, str]]:
    """Return Cedrina's categories and those that other apps' event types add, which are shown as they are."""
    added = {each.category for each in CATALOGUE.values()} - set(Category)
    return [*((value, _WORDS[value]) for value in Category), *((value, value) for value in sorted(added))]


class SecurityEvent(models.Model):
    """One thing that happened, written in the transaction that made it true.

    The table is partitioned by month and append-only: triggers refuse UPDATE, DELETE and TRUNCATE. Django doesn't
    manage it, as neither can be said in a model; the migration makes it. People and sessions are copied, not referred
    to, since an event outlives them.
    """

    id = models.UUIDField(_("id"), primary_key=True, editable=False)
    occurred_at = models.DateTimeField(_("occurred at"))
    type = models.CharField(_("type"), max_length=64, choices=type_choices)
    category = models.CharField(_("category"), max_length=32, choices=category_choices)
    severity = models.CharField(_("severity"), max_length=16, choices=[(value, _WORDS[value]) for value in Severity])
    outcome = models.CharField(_("outcome"), max_length=16, choices=[(value, _WORDS[value]) for value in Outcome])
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
