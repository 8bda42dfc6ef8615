"""Policies that operators edit while everything runs, every version of them, and what shadow policies saw."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from cedrina_base.uuids import uuid7
from ratelimiting import policy as policies

ALGORITHMS = [
    ("token_bucket", _("token bucket")),
    ("sliding_window", _("sliding window")),
    ("fixed_window", _("fixed window")),
]
MODES = [("enforce", _("enforce")), ("shadow", _("shadow")), ("off", _("off"))]
FAILURES = [("local", _("count in the process")), ("allow", _("allow")), ("deny", _("refuse"))]


def all_routes() -> list[str]:
    return ["*"]


class RateLimitPolicy(models.Model):
    """One policy as an operator wrote it. It takes the place of one of the same name in the settings."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(_("name"), max_length=50, unique=True)
    description = models.CharField(_("description"), max_length=200, blank=True)
    algorithm = models.CharField(_("algorithm"), max_length=20, choices=ALGORITHMS, default="sliding_window")
    limit = models.PositiveIntegerField(_("limit"))
    window = models.PositiveIntegerField(_("window in seconds"))
    burst = models.PositiveIntegerField(_("burst"), null=True, blank=True)
    scope = models.JSONField(_("scope"))
    routes = models.JSONField(_("routes"), default=all_routes)
    methods = models.JSONField(_("methods"), default=list, blank=True)
    tier = models.CharField(_("tier"), max_length=50, null=True, blank=True)  # noqa: DJ001 - none is another thing than ""
    unless = models.JSONField(_("unless one of these applies"), default=list, blank=True)
    mode = models.CharField(_("mode"), max_length=10, choices=MODES, default="enforce")
    cost = models.PositiveIntegerField(_("cost of a request"), default=1)
    on_store_failure = models.CharField(
        _("when the store is out of reach"), max_length=10, choices=FAILURES, default="local"
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
        """Return the policy as it is written everywhere."""
        return {
            **{name: getattr(self, name) for name in policies.MEMBERS if name != "match"},
            "match": {name: getattr(self, name) for name in policies.MATCH_MEMBERS},
        }


class PolicyVersion(models.Model):
    """All policies as they were after a change. The highest number is the truth that every process follows."""

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
    """What one policy in shadow mode would have refused in one hour, for whom, with samples."""

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
