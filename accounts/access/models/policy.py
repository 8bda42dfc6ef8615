"""The policy as it is stored: rules, roles, who has which role, and all versions."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from cedrina_base.uuids import uuid7

EFFECT_CHOICES = [("allow", _("allow")), ("deny", _("deny"))]
HEAD_ID = 1  # of the only row of PolicyHead


class PolicyRule(models.Model):
    """A rule. Its members are described in docs/access-control.md and validated by ``rule_documents``."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    subject = models.CharField(_("subject"), max_length=150, db_index=True)
    object = models.CharField(_("object"), max_length=512)
    action = models.CharField(_("action"), max_length=100)
    effect = models.CharField(_("effect"), max_length=5, choices=EFFECT_CHOICES)
    department = models.CharField(_("department"), max_length=100, blank=True)
    location = models.CharField(_("location"), max_length=100, blank=True)
    hours = models.JSONField(_("hours"), null=True, blank=True)
    conditions = models.JSONField(_("conditions"), default=list, blank=True)
    valid_from = models.DateTimeField(_("valid from"), null=True, blank=True)
    valid_until = models.DateTimeField(_("valid until"), null=True, blank=True)
    note = models.CharField(_("note"), max_length=500, blank=True)
    # SHA-256 of all members but the note: the same rule can't be stored twice.
    digest = models.BinaryField(max_length=32, unique=True, editable=False)
    version = models.PositiveBigIntegerField(_("version"), editable=False)
    created_at = models.DateTimeField(_("created at"), editable=False)
    updated_at = models.DateTimeField(_("changed at"), editable=False)

    class Meta:
        verbose_name = _("rule")
        verbose_name_plural = _("rules")
        constraints = [
            # A mistyped effect would be no opinion at all to some engines, and its denial would be gone.
            models.CheckConstraint(condition=models.Q(effect__in=["allow", "deny"]), name="access_rule_effect"),
            models.CheckConstraint(
                condition=models.Q(subject__regex=r"^(user|client|role):[^\s]+$"), name="access_rule_subject"
            ),
            models.CheckConstraint(
                condition=models.Q(valid_from__isnull=True)
                | models.Q(valid_until__isnull=True)
                | models.Q(valid_from__lt=models.F("valid_until")),
                name="access_rule_validity",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subject} {self.effect} {self.action} {self.object}"


class Role(models.Model):
    """A role. ``parents`` are the names of roles whose rules hold for it, too.

    ``separation_of_duty`` are the names of roles that nobody may have together with it; it counts for both of a pair.
    """

    name = models.CharField(_("name"), max_length=50, primary_key=True)
    description = models.CharField(_("description"), max_length=200, blank=True)
    parents = models.JSONField(_("parents"), default=list, blank=True)
    separation_of_duty = models.JSONField(_("never together with"), default=list, blank=True)
    version = models.PositiveBigIntegerField(_("version"), editable=False)
    created_at = models.DateTimeField(_("created at"), editable=False)
    updated_at = models.DateTimeField(_("changed at"), editable=False)

    class Meta:
        verbose_name = _("role")
        verbose_name_plural = _("roles")
        constraints = [
            models.CheckConstraint(condition=models.Q(name__regex=r"^[a-z][a-z0-9_-]{0,49}$"), name="access_role_name"),
        ]

    def __str__(self) -> str:
        return self.name


class RoleGrant(models.Model):
    """A role that a subject has. ``role`` is a stored role, or a permission, which is a role of its own."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    subject = models.CharField(_("subject"), max_length=150)
    role = models.CharField(_("role"), max_length=100, db_index=True)
    expires_at = models.DateTimeField(_("until"), null=True, blank=True, db_index=True)
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    granted_by = models.CharField(_("granted by"), max_length=100, blank=True)
    granted_at = models.DateTimeField(_("granted at"), editable=False)

    class Meta:
        verbose_name = _("granted role")
        verbose_name_plural = _("granted roles")
        constraints = [
            models.UniqueConstraint(fields=["subject", "role"], name="access_grant_once"),
            models.CheckConstraint(
                condition=models.Q(subject__regex=r"^(user|client):[^\s]+$"), name="access_grant_subject"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subject} {self.role}"


class PolicyVersion(models.Model):
    """A change of the policy, with all that is needed to take it back (``types.Change``)."""

    number = models.PositiveBigIntegerField(_("version"), primary_key=True)
    changes = models.JSONField(_("changes"))
    # Whether rules or roles changed. Grants alone need no new index.
    is_of_rules = models.BooleanField(_("changes rules or roles"), default=True)
    # ``PolicyHead.rules_id`` before and after the change: a process that knows the rules before can make them itself.
    rules_before = models.UUIDField(null=True, editable=False)
    rules_after = models.UUIDField(null=True, editable=False)
    author_id = models.CharField(_("author's id"), max_length=64, blank=True)
    author = models.CharField(_("author"), max_length=254, blank=True)
    reason = models.CharField(_("reason"), max_length=500)
    restored = models.PositiveBigIntegerField(_("restores version"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"))

    class Meta:
        verbose_name = _("version of the policy")
        verbose_name_plural = _("versions of the policy")

    def __str__(self) -> str:
        return str(self.number)


class PolicyHead(models.Model):
    """The only row says which version is in force. Changes lock it, so that they take turns.

    ``rules_id`` changes with the rules and roles: after a failover that lost the newest change, a number may come again
    with other rules.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=HEAD_ID, editable=False)
    version = models.PositiveBigIntegerField(_("version"))
    rules_id = models.UUIDField(default=uuid7)
    # Of the run in which a draft is evaluated beside the policy; each process sees it when it compares the version.
    shadow_id = models.UUIDField(_("evaluated draft"), null=True)
    changed_at = models.DateTimeField(_("changed at"))

    class Meta:
        verbose_name = _("version in force")
        verbose_name_plural = _("version in force")
        constraints = [models.CheckConstraint(condition=models.Q(id=HEAD_ID), name="access_head_once")]

    def __str__(self) -> str:
        return str(self.version)


class IdempotentRequest(models.Model):
    """A request with an ``Idempotency-Key`` that was carried out, so that a repetition of it makes nothing twice.

    ``result`` is the id of what it made and ``version`` the version of the policy afterwards: no personal data is kept.
    """

    caller = models.CharField(_("caller"), max_length=64)
    key_digest = models.BinaryField(max_length=32, editable=False)
    request_digest = models.BinaryField(max_length=32, editable=False)
    result = models.CharField(_("result"), max_length=64, blank=True)
    version = models.PositiveBigIntegerField(_("version"), default=0)
    expires_at = models.DateTimeField(_("until"), db_index=True)

    class Meta:
        verbose_name = _("idempotent request")
        verbose_name_plural = _("idempotent requests")
        constraints = [
            models.UniqueConstraint(fields=["caller", "key_digest"], name="access_idempotency_key_once"),
        ]

    def __str__(self) -> str:
        return self.result
