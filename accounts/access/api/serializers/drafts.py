"""The requests and responses of ``/admin/policy-drafts``. Changes are validated by ``draft_changes``."""

from typing import Any
from uuid import UUID

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from accounts.access import draft_changes
from accounts.access.api.serializers.fields import Fields, PageInput, instant, rule_fields
from accounts.access.draft_changes import MOST_CHANGES, OPS
from accounts.access.draft_lists import ListedDraft
from accounts.access.errors import RuleInvalid
from accounts.access.types import DraftStatus
from cedrina_base.strict_serializers import ReasonField, StrictBooleanField, StrictIntegerField, StrictSerializer

LARGEST_VERSION = 10**18
MOST_DAYS, MOST_MINUTES = 30, 1440


class DraftChangeFields(serializers.Serializer[Any]):
    """A change of a rule (`id`, `rule`) or of a role (`role`, `definition`)."""

    def get_fields(self) -> Fields:
        return {
            "op": serializers.ChoiceField(choices=OPS),
            "id": serializers.UUIDField(required=False, help_text="Of the rule; not needed to add one."),
            "rule": _DraftedRule(required=False, help_text="All members to add, some of them to update."),
            "role": serializers.CharField(required=False, help_text="The name of the role."),
            "definition": _DraftedRole(required=False, help_text="Members that are left out become empty."),
        }


class _DraftedRule(serializers.Serializer[Any]):
    """Members of a rule."""

    def get_fields(self) -> Fields:
        return rule_fields(required=False)


class _DraftedRole(serializers.Serializer[Any]):
    """Members of a role."""

    description = serializers.CharField(required=False, allow_blank=True, max_length=200)
    parents = serializers.ListField(child=serializers.CharField(), required=False)
    separation_of_duty = serializers.ListField(child=serializers.CharField(), required=False)


class _ChangesField(serializers.ListField):
    """Takes lists of any values: what is wrong with a change is said by ``draft_changes``, also for files."""

    def __init__(self, **options: Any) -> None:
        super().__init__(child=DraftChangeFields(), max_length=MOST_CHANGES, **options)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        if data is serializers.empty:
            return super().run_validation(data)
        try:
            return draft_changes.listed(data)
        except RuleInvalid as error:
            raise serializers.ValidationError(str(error.sentence), code=error.code) from error


class DraftInput(StrictSerializer):
    """Changes to propose, or the version to go back to, and why."""

    changes = _ChangesField(required=False)
    restore_version = StrictIntegerField(min_value=1, max_value=LARGEST_VERSION, required=False)
    base_version = StrictIntegerField(
        min_value=0, max_value=LARGEST_VERSION, required=False, help_text="The version that you saw."
    )
    reason = ReasonField()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("changes" in attrs) is ("restore_version" in attrs):
            missing = serializers.ValidationError(_("Send either changes or restore_version."), code="required")
            raise serializers.ValidationError({"changes": missing.detail})
        return attrs


class DraftChangeInput(StrictSerializer):
    """What to change of a draft. It is brought up to the version in force, also if nothing else changes."""

    changes = _ChangesField(required=False)
    reason = ReasonField(required=False)


class DraftPageInput(PageInput):
    """Which page of the drafts."""

    def validate_cursor(self, value: str) -> UUID:
        try:
            return UUID(value)
        except ValueError:
            raise serializers.ValidationError(_("This is no cursor that was given out."), code="invalid") from None


class DraftImpactInput(StrictSerializer):
    """How many days of recorded decisions are evaluated again."""

    days = serializers.IntegerField(min_value=1, max_value=MOST_DAYS, default=7)


class DraftShadowInput(StrictSerializer):
    """Whether the draft is evaluated beside the policy in force, and for how long."""

    is_on = StrictBooleanField()
    minutes = StrictIntegerField(min_value=1, max_value=MOST_MINUTES, default=60)


class DraftApprovalOutput(serializers.Serializer[Any]):
    """Who approved, and when."""

    approver_id = serializers.CharField()
    approver = serializers.CharField()
    approved_at = serializers.DateTimeField()


class DraftOutput(serializers.Serializer[Any]):
    """A draft; `version` counts its own changes, and is its ETag."""

    id = serializers.UUIDField()
    changes = serializers.ListField(child=DraftChangeFields())
    base_version = serializers.IntegerField()
    status = serializers.ChoiceField(choices=list(DraftStatus))
    author_id = serializers.CharField()
    author = serializers.CharField()
    approvals = DraftApprovalOutput(many=True)
    approvals_needed = serializers.IntegerField()
    reason = serializers.CharField()
    version = serializers.IntegerField()
    applied_version = serializers.IntegerField(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class DraftListOutput(serializers.Serializer[Any]):
    """A page of drafts, the newest first."""

    results = DraftOutput(many=True)
    next = serializers.CharField(allow_null=True)


def draft_body(listed: ListedDraft, *, needed: int) -> dict[str, Any]:
    """Return a draft as responses show it."""
    row = listed.draft
    return {
        "id": str(row.pk),
        "changes": row.changes,
        "base_version": row.base_version,
        "status": str(listed.status),
        "author_id": row.author_id,
        "author": row.author,
        "approvals": [
            {"approver_id": each.approver_id, "approver": each.approver, "approved_at": instant(each.approved_at)}
            for each in listed.approvals
        ],
        "approvals_needed": needed,
        "reason": row.reason,
        "version": row.version,
        "applied_version": row.applied_version,
        "created_at": instant(row.created_at),
        "updated_at": instant(row.updated_at),
    }
