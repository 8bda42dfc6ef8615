"""Policies that operators edit at runtime, all their versions, and the figures of policies in shadow mode."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from cedrina_base.uuids import uuid7
from ratelimiting.errors import PolicyInvalid
from ratelimiting.known_names import known_names
from ratelimiting.policy_schema import MATCH_MEMBERS, MEMBERS, parse_policy

ALGORITHM_CHOICES = [
    ("token_bucket", _("token bucket")),
    ("sliding_window", _("sliding window")),
    ("fixed_window", _("fixed window")),
]
MODE_CHOICES = [("enforce", _("enforce")), ("shadow", _("shadow")), ("off", _("off"))]
STORE_FAILURE_CHOICES = [("local", _("count in the process")), ("allow", _("allow")), ("deny", _("refuse"))]


def all_routes() -> list[str]:
    return ["*"]


class RateLimitPolicy(models.Model):
    """A stored policy. It replaces the policy of the same name in the settings."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(_("name"), max_length=50, unique=True)
    description = models.CharField(_("description"), max_length=200, blank=True)
    algorithm = models.CharField(_("algorithm"), max_length=20, choices=ALGORITHM_CHOICES, default="sliding_window")
    limit = models.PositiveIntegerField(_("limit"))
    window = models.PositiveIntegerField(_("window in seconds"))
    burst = models.PositiveIntegerField(_("burst"), null=True, blank=True)
    scope = models.JSONField(_("scope"))
    routes = models.JSONField(_("routes"), default=all_routes)
    methods = models.JSONField(_("methods"), default=list, blank=True)
    tier = models.CharField(_("tier"), max_length=50, null=True, blank=True)  # noqa: DJ001 - none is another thing than ""
    unless = models.JSONField(_("unless one of these applies"), default=list, blank=True)
    mode = models.CharField(_("mode"), max_length=10, choices=MODE_CHOICES, default="enforce")
    cost = models.PositiveIntegerField(_("cost of a request"), default=1)
    on_store_failure = models.CharField(
        _("when the store is out of reach"), max_length=10, choices=STORE_FAILURE_CHOICES, default="local"
    )
    version = models.PositiveIntegerField(_("version"), default=1)
    updated_at = models.DateTimeField(_("changed at"))

    class Meta:
        verbose_name = _("rate limit policy")
        verbose_name_plural = _("rate limit policies")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(limit__gte=1, window__gte=1, cost__gte=1), name="ratelimiting_policy_counts"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def document(self) -> dict[str, Any]:
        """Return the policy as its schema describes it."""
        return {
            **{name: getattr(self, name) for name in MEMBERS if name != "match"},
            "match": {name: getattr(self, name) for name in MATCH_MEMBERS},
        }

    def clean(self) -> None:
        """Validate the policy by its schema, in the same words as for every other source.

        Raises: django.core.exceptions.ValidationError.
        """
        try:
            parse_policy(self.document(), known=known_names(), source="database")
        except PolicyInvalid as error:
            faults: dict[str, list[ValidationError]] = {}
            for fault in error.faults:
                found = ValidationError(fault.message, code=fault.code)
                faults.setdefault(fault.member.removeprefix("match."), []).append(found)
            raise ValidationError(faults) from error


class PolicyVersion(models.Model):
    """All stored policies after a change. Every process applies the version with the highest number."""

    number = models.PositiveIntegerField(_("version"), primary_key=True)
    change = models.CharField(_("change"), max_length=20)
    policy = models.CharField(_("policy"), max_length=50, blank=True)
    snapshot = models.JSONField(_("policies"))
    author_id = models.CharField(_("author's id"), max_length=64, blank=True)
    author = models.CharField(_("author"), max_length=254, blank=True)
    reason = models.CharField(_("reason"), max_length=200)
    created_at = models.DateTimeField(_("created at"))

    class Meta:
        verbose_name = _("version of the policies")
        verbose_name_plural = _("versions of the policies")

    def __str__(self) -> str:
        return str(self.number)


class ShadowPeriod(models.Model):
    """What one policy in shadow mode would have refused in one hour: how often, which keys, and sample requests."""

    policy = models.CharField(_("policy"), max_length=50)
    began_at = models.DateTimeField(_("hour"))
    refused = models.PositiveBigIntegerField(_("would have been refused"), default=0)
    keys = models.JSONField(_("for whom"), default=dict)
    samples = models.JSONField(_("samples"), default=list)
    is_reported = models.BooleanField(_("reported"), default=False)

    class Meta:
        verbose_name = _("shadow figure")
        verbose_name_plural = _("shadow figures")
        constraints = [
            models.UniqueConstraint(fields=["policy", "began_at"], name="ratelimiting_shadow_period_once"),
        ]
        indexes = [
            models.Index(
                fields=["began_at"], condition=models.Q(is_reported=False), name="ratelimiting_shadow_unreported"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.policy} {self.began_at:%Y-%m-%dT%H:00Z}"


class TightenedNetwork(models.Model):
    """A network, an IPv4 /24 or an IPv6 /48, whose strangers get lower limits for a while.

    ``id`` is given by whoever asks for it. Several rows can be about one network: it is tightened until the last ends.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    network = models.CharField(_("network"), max_length=43)
    reason = models.CharField(_("reason"), max_length=64)
    began_at = models.DateTimeField(_("since"))
    ends_at = models.DateTimeField(_("until"), db_index=True)

    class Meta:
        verbose_name = _("tightened network")
        verbose_name_plural = _("tightened networks")

    def __str__(self) -> str:
        return self.network
