"""Changes of the policy that are proposed, approved and then applied as one version."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from cedrina_base.uuids import uuid7


class PolicyDraft(models.Model):
    """A proposed change of the policy (``services.drafts``). ``changes`` are documents, in their order.

    ``base_version`` is the version that the changes were made for; once rules or roles have changed since, the draft
    can't be applied. ``version`` counts the changes of the draft itself (If-Match).
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    changes = models.JSONField(_("changes"))
    base_version = models.PositiveBigIntegerField(_("made for version"))
    reason = models.CharField(_("reason"), max_length=500)
    author_id = models.CharField(_("author's id"), max_length=64, blank=True)
    author = models.CharField(_("author"), max_length=254, blank=True)
    version = models.PositiveIntegerField(_("version"), default=1)
    applied_version = models.PositiveBigIntegerField(_("applied as version"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"))
    updated_at = models.DateTimeField(_("changed at"), db_index=True)

    class Meta:
        verbose_name = _("draft of the policy")
        verbose_name_plural = _("drafts of the policy")

    def __str__(self) -> str:
        return str(self.pk)


class DraftApproval(models.Model):
    """That somebody other than its author approved a draft as it is. A change of the draft deletes its approvals."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    draft = models.ForeignKey(PolicyDraft, models.CASCADE, related_name="approvals", verbose_name=_("draft"))
    approver_id = models.CharField(_("approver's id"), max_length=64)
    approver = models.CharField(_("approver"), max_length=254, blank=True)
    approved_at = models.DateTimeField(_("approved at"))

    class Meta:
        verbose_name = _("approval of a draft")
        verbose_name_plural = _("approvals of drafts")
        constraints = [models.UniqueConstraint(fields=["draft", "approver_id"], name="access_approval_once")]

    def __str__(self) -> str:
        return f"{self.draft_id} {self.approver}"


class ShadowRun(models.Model):
    """A time in which all processes evaluate a draft beside the policy in force, and what they found together.

    There is one at a time: ``PolicyHead.shadow_id`` names it.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    draft = models.OneToOneField(PolicyDraft, models.CASCADE, related_name="shadow_run", verbose_name=_("draft"))
    started_at = models.DateTimeField(_("started at"))
    ends_at = models.DateTimeField(_("ends at"))
    evaluated = models.PositiveBigIntegerField(_("evaluated"), default=0)
    differences = models.PositiveBigIntegerField(_("differences"), default=0)
    # Decisions that were not compared, because the comparison had taken its share of the time.
    skipped = models.PositiveBigIntegerField(_("not compared"), default=0)
    examples = models.JSONField(_("examples"), default=list, blank=True)

    class Meta:
        verbose_name = _("evaluation of a draft")
        verbose_name_plural = _("evaluations of drafts")

    def __str__(self) -> str:
        return str(self.draft_id)
