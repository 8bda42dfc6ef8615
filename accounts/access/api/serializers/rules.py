"""The requests and responses of ``/admin/policies``. The members of a rule are validated by ``rule_documents``."""

from typing import Any
from uuid import UUID

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from accounts.access import selectors
from accounts.access.api.serializers.fields import Fields, PageInput, ReasonedDocumentInput, instant, rule_fields
from accounts.access.deciding.rules import Effect
from accounts.access.models import PolicyRule
from accounts.access.policy_lists import RULE_FILTERS
from accounts.access.rule_documents import LONGEST
from cedrina_base.strict_serializers import StrictCharField, StrictChoiceField


class PolicyRuleInput(ReasonedDocumentInput):
    """A rule, and why it is made."""

    def get_fields(self) -> Fields:
        return {**rule_fields(), **super().get_fields()}


class PolicyRuleChangeInput(ReasonedDocumentInput):
    """Members of a rule to change, and why; what is left out stays."""

    def get_fields(self) -> Fields:
        return {**rule_fields(required=False), **super().get_fields()}


class PolicyRulePageInput(PageInput):
    """Which page of the rules, and values that members of them must have."""

    subject = StrictCharField(max_length=LONGEST["subject"], required=False)
    object = StrictCharField(max_length=LONGEST["object"], required=False, help_text="The pattern as it is written.")
    action = StrictCharField(max_length=LONGEST["action"], required=False)
    effect = StrictChoiceField(choices=list(Effect), required=False)
    department = StrictCharField(max_length=LONGEST["department"], required=False)
    location = StrictCharField(max_length=LONGEST["location"], required=False)

    def validate_cursor(self, value: str) -> UUID:
        try:
            return UUID(value)
        except ValueError:
            raise serializers.ValidationError(_("This is no cursor that was given out."), code="invalid") from None

    def conditions(self) -> dict[str, Any]:
        """Return the arguments of the selector."""
        given = self.validated_data
        where = {name: given[name] for name in RULE_FILTERS if name in given}
        return {"where": where, "after": given.get("cursor"), "limit": given["limit"]}


class PolicyRuleOutput(serializers.Serializer[Any]):
    """A rule; ``version`` is the one of the policy in which it was changed last."""

    def get_fields(self) -> Fields:
        return {
            "id": serializers.UUIDField(),
            **rule_fields(is_input=False),
            "created_at": serializers.DateTimeField(),
            "updated_at": serializers.DateTimeField(),
            "version": serializers.IntegerField(),
        }


class PolicyRuleListOutput(serializers.Serializer[Any]):
    """A page of rules, the oldest first, and the version of the policy."""

    results = PolicyRuleOutput(many=True)
    next = serializers.CharField(allow_null=True)
    version = serializers.IntegerField()


def rule_body(row: PolicyRule) -> dict[str, Any]:
    """Return a rule as responses show it."""
    return {
        "id": str(row.pk),
        **selectors.rule_document(row=row),
        "created_at": instant(row.created_at),
        "updated_at": instant(row.updated_at),
        "version": row.version,
    }
