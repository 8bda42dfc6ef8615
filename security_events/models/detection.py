"""The tables of detection: facts that rules look at, the settings of rules, incidents and responses.

The trail is the truth; facts and counts are derived from it by the worker, and can be made again from it.
"""

from __future__ import annotations

from django.contrib.postgres.functions import TransactionNow
from django.db import models
from django.utils.translation import gettext_lazy as _

from cedrina_base.uuids import uuid7
from security_events.types import IncidentStatus, ResponseKind, RuleMode, Verdict

_KEY_LENGTH = 64  # of accounts, networks and digests of programs

MODE_NAMES = {RuleMode.OFF: _("off"), RuleMode.SHADOW: _("shadow"), RuleMode.ENFORCE: _("enforced")}
STATUS_NAMES = {
    IncidentStatus.OPEN: _("open"),
    IncidentStatus.ACKNOWLEDGED: _("acknowledged"),
    IncidentStatus.RESOLVED: _("resolved"),
}
VERDICT_NAMES = {
    Verdict.TRUE_POSITIVE: _("an attack"),
    Verdict.FALSE_POSITIVE: _("a false alarm"),
    Verdict.BENIGN: _("permitted"),
}
RESPONSE_NAMES = {
    ResponseKind.NOTIFY: _("person told"),
    ResponseKind.STEP_UP: _("proof asked for"),
    ResponseKind.TIGHTEN_NETWORK: _("limits of a network lowered"),
    ResponseKind.LOCK_FACTOR: _("second factor locked"),
    ResponseKind.END_SESSIONS: _("sessions ended"),
}


class DetectionFact(models.Model):
    """What a rule sees of an event (``security_events.detection.facts``), for as long as the longest window.

    ``program`` is a digest of the user agent without versions. ``client`` holds what the risk of later sign-ins is
    computed from; only successful sign-ins have it. ``transaction_id`` and ``event_id`` say where the event
    stands in the trail. Only what an operator did to others has an ``operator``, so the index of operators is small.
    """

    event_id = models.UUIDField(primary_key=True)
    transaction_id = models.BigIntegerField(db_default=0)
    at = models.DateTimeField()
    type = models.CharField(max_length=64)
    is_success = models.BooleanField()
    account = models.CharField(max_length=_KEY_LENGTH, blank=True)
    actor = models.CharField(max_length=_KEY_LENGTH, blank=True)
    ip_address = models.GenericIPAddressField(null=True)
    network = models.CharField(max_length=_KEY_LENGTH, blank=True)
    program = models.CharField(max_length=_KEY_LENGTH, blank=True)
    session_id = models.UUIDField(null=True)
    is_unknown_name = models.BooleanField(default=False)
    is_relay = models.BooleanField(default=False)
    times = models.PositiveIntegerField(default=1)
    location = models.JSONField(null=True)
    client = models.JSONField(null=True)
    since = models.DateTimeField(null=True)
    operator = models.CharField(max_length=_KEY_LENGTH, blank=True, db_default="")
    is_new_client = models.BooleanField(default=False, db_default=False)
    is_password_alone = models.BooleanField(default=False, db_default=False)
    days_since_last = models.PositiveIntegerField(default=0, db_default=0)
    # Only the reuse of a refresh token has these. NULL takes no space in other rows; a check would read all of them.
    is_familiar_client = models.BooleanField(null=True)
    generations_behind = models.IntegerField(null=True)
    idle_seconds = models.IntegerField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["operator", "at"], name="security_events_fact_operator", condition=~models.Q(operator="")
            ),
            models.Index(fields=["account", "at"], name="security_events_fact_account"),
            models.Index(fields=["network", "at"], name="security_events_fact_network"),
            models.Index(fields=["program", "at"], name="security_events_fact_program"),
            models.Index(fields=["at"], name="security_events_fact_at"),
            # The last sign-ins of an account, however many refusals there are between them.
            models.Index(
                fields=["account", "-at"],
                name="security_events_fact_sign_in",
                condition=models.Q(client__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.event_id}"


class ClientCount(models.Model):
    """How many successful sign-ins of all accounts had a value at a level, and how many values follow it.

    ``path`` is a digest of the feature and the values down to this level (``security_events.detection.client_levels``),
    ``parent`` that of the level above; the topmost have none.
    """

    path = models.BinaryField(primary_key=True, max_length=16)
    parent = models.BinaryField(max_length=16, null=True)
    sign_ins = models.PositiveBigIntegerField()
    distinct = models.PositiveIntegerField()

    def __str__(self) -> str:
        return bytes(self.path).hex()


class RuleVersion(models.Model):
    """A change of a rule's mode or thresholds. The newest one of a rule is in force; without one, its defaults are."""

    number = models.BigAutoField(primary_key=True)
    rule = models.CharField(_("rule"), max_length=64)
    mode = models.CharField(_("mode"), max_length=16, choices=MODE_NAMES)
    thresholds = models.JSONField(_("thresholds"), default=dict)
    reason = models.CharField(_("reason"), max_length=500)
    author_id = models.CharField(_("author's id"), max_length=64, blank=True)
    author_name = models.CharField(_("author"), max_length=254, blank=True)
    created_at = models.DateTimeField(_("created at"))

    class Meta:
        verbose_name = _("detection rule")
        verbose_name_plural = _("detection rules")
        indexes = [models.Index(fields=["rule", "-number"], name="security_events_rule_version")]

    def __str__(self) -> str:
        return f"{self.rule} {self.number}"


class ShadowCount(models.Model):
    """How many findings a rule in shadow mode had on a day: what enforcing it would have done."""

    rule = models.CharField(max_length=64)
    day = models.DateField()
    findings = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["rule", "day"], name="security_events_shadow_day")]

    def __str__(self) -> str:
        return f"{self.rule} {self.day}"


class Incident(models.Model):
    """The findings of one rule about one cause, until an operator has resolved it.

    ``key`` is what the events have in common: an account, a network or a program. ``subject`` is the account, or the
    pseudonym of a name, and ``network`` the network, as far as there is one. ``risk_reasons`` are objects with
    ``factor``, ``weight`` and ``evidence``. ``evidence`` are the counts of the newest finding. ``version`` grows with
    the changes of operators, and not with events. ``notified_at`` is when operators were told that it was opened.
    """

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    rule = models.CharField(_("rule"), max_length=64)
    key = models.CharField(_("in common"), max_length=_KEY_LENGTH)
    status = models.CharField(_("status"), max_length=16, choices=STATUS_NAMES, default=IncidentStatus.OPEN)
    severity = models.CharField(_("severity"), max_length=16)
    subject = models.CharField(_("subject"), max_length=_KEY_LENGTH, blank=True)
    network = models.CharField(_("network"), max_length=_KEY_LENGTH, blank=True)
    events = models.PositiveIntegerField(_("events"), default=0)
    risk_score = models.PositiveSmallIntegerField(_("risk"), default=0)
    risk_reasons = models.JSONField(_("reasons"), default=list)
    evidence = models.JSONField(_("evidence"), default=dict)
    rule_version = models.PositiveBigIntegerField(_("version of the rule"), default=0)
    verdict = models.CharField(_("verdict"), max_length=16, choices=VERDICT_NAMES, blank=True)
    note = models.TextField(_("note"), blank=True)
    version = models.PositiveIntegerField(_("changes"), default=1)
    opened_at = models.DateTimeField(_("opened at"))
    updated_at = models.DateTimeField(_("updated at"))
    resolved_at = models.DateTimeField(_("resolved at"), null=True, blank=True)
    notified_at = models.DateTimeField(_("told at"), null=True, blank=True)

    class Meta:
        verbose_name = _("incident")
        verbose_name_plural = _("incidents")
        constraints = [
            models.UniqueConstraint(
                fields=["rule", "key"],
                condition=~models.Q(status=IncidentStatus.RESOLVED),
                name="security_events_incident_cause",
            )
        ]
        indexes = [
            models.Index(fields=["status", "-id"], name="security_events_incident_state"),
            models.Index(fields=["rule", "-id"], name="security_events_incident_rule"),
            models.Index(fields=["subject", "-id"], name="security_events_incident_who"),
            models.Index(fields=["network", "-id"], name="security_events_incident_where"),
            models.Index(fields=["severity", "-id"], name="security_events_incident_sev"),
            models.Index(fields=["resolved_at"], name="security_events_incident_done"),
            models.Index(fields=["notified_at"], name="security_events_incident_told"),
            models.Index(
                fields=["opened_at"],
                condition=models.Q(notified_at__isnull=True),
                name="security_events_incident_new",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rule} {self.id}"


class IncidentEvent(models.Model):
    """An event that led to an incident or made it grow, or an operator's change of it.

    Only the first thousand that made it grow are kept.
    """

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="timeline")
    event_id = models.UUIDField()
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["incident", "event_id"], name="security_events_incident_event")]

    def __str__(self) -> str:
        return f"{self.incident_id} {self.event_id}"


class IncidentResponse(models.Model):
    """A response to an incident. ``ResponseOrder`` of ``security_events.types`` says what its members mean."""

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="responses")
    kind = models.CharField(_("kind"), max_length=32, choices=RESPONSE_NAMES)
    subject = models.CharField(_("subject"), max_length=_KEY_LENGTH, blank=True)
    session_id = models.UUIDField(_("session"), null=True, blank=True)
    network = models.CharField(_("network"), max_length=_KEY_LENGTH, blank=True)
    evidence = models.JSONField(default=dict)
    started_at = models.DateTimeField(_("started at"), db_default=TransactionNow())
    ends_at = models.DateTimeField(_("ends at"), null=True, blank=True)
    undone_at = models.DateTimeField(_("undone at"), null=True, blank=True)
    undone_by = models.CharField(_("undone by"), max_length=64, blank=True)

    class Meta:
        verbose_name = _("response")
        verbose_name_plural = _("responses")
        indexes = [models.Index(fields=["incident", "id"], name="security_events_response_list")]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"
