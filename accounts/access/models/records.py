"""What was decided: records that can be evaluated again, and how often rules and granted roles were used."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from cedrina_base.uuids import uuid7


class DecisionRecord(models.Model):
    """A decision as it was evaluated. Of each ``RECORD_ONE_IN`` that allowed there is one, of those that denied all.

    ``times`` is how often the same was decided for the subject within a minute in one process. ``evaluated`` is JSON
    with ``roles`` and ``attributes``, kept as text: a number must not come back as another one. It is empty for what
    can't be evaluated again, such as values that have no form in JSON.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    recorded_at = models.DateTimeField(_("recorded at"), db_index=True)
    at = models.DateTimeField(_("decided at"))
    subject = models.CharField(_("subject"), max_length=200, db_index=True)
    object = models.CharField(_("object"), max_length=512)
    action = models.CharField(_("action"), max_length=100)
    evaluated = models.TextField(_("evaluated"), blank=True)
    is_allowed = models.BooleanField(_("allowed"))
    reason = models.CharField(_("reason"), max_length=30)
    rule = models.CharField(_("rule"), max_length=100, blank=True)
    version = models.PositiveBigIntegerField(_("version"))
    times = models.PositiveIntegerField(_("times"), default=1)

    class Meta:
        verbose_name = _("record of a decision")
        verbose_name_plural = _("records of decisions")

    def __str__(self) -> str:
        return f"{self.subject} {self.action} {self.object}"


class DecisionCount(models.Model):
    """How many decisions of a day were counted, how many of them were recorded, and what was left out."""

    day = models.DateField(_("day"), primary_key=True)
    decisions = models.PositiveBigIntegerField(_("decisions"), default=0)
    recorded = models.PositiveBigIntegerField(_("recorded"), default=0)
    # Records that a bound left out, and uses of granted roles that were not counted by subject.
    dropped = models.PositiveBigIntegerField(_("not recorded"), default=0)
    uncounted = models.PositiveBigIntegerField(_("uses not counted"), default=0)

    class Meta:
        verbose_name = _("decisions of a day")
        verbose_name_plural = _("decisions of days")

    def __str__(self) -> str:
        return str(self.day)


class RuleUse(models.Model):
    """How often a rule decided, and when last. All decisions count, not only recorded ones."""

    rule = models.CharField(_("rule"), max_length=100, primary_key=True)
    uses = models.PositiveBigIntegerField(_("uses"), default=0)
    last_used_at = models.DateTimeField(_("last used at"))

    class Meta:
        verbose_name = _("use of a rule")
        verbose_name_plural = _("uses of rules")

    def __str__(self) -> str:
        return self.rule


class GrantUse(models.Model):
    """How often a rule for a role decided about a subject, and when last.

    ``role`` is the one that the rule names; the subject was granted it or one that inherits from it.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    subject = models.CharField(_("subject"), max_length=200)
    role = models.CharField(_("role"), max_length=100)
    uses = models.PositiveBigIntegerField(_("uses"), default=0)
    last_used_at = models.DateTimeField(_("last used at"), db_index=True)

    class Meta:
        verbose_name = _("use of a role")
        verbose_name_plural = _("uses of roles")
        constraints = [models.UniqueConstraint(fields=["subject", "role"], name="access_grant_use_once")]

    def __str__(self) -> str:
        return f"{self.subject} {self.role}"
