"""The requests and responses of ``/admin/roles``. The members of a role are validated by ``rule_documents``."""

from typing import Any

from rest_framework import serializers

from accounts.access import selectors
from accounts.access.api.serializers.fields import Fields, PageInput, ReasonedDocumentInput, instant
from accounts.access.models import Role
from accounts.access.rule_documents import LONGEST, LONGEST_ROLE, MOST_PARENTS
from cedrina_base.strict_serializers import StrictCharField


class RoleInput(ReasonedDocumentInput):
    """A role, and why it is stored. Members that are left out become empty; ``name`` may repeat that of the path."""

    def get_fields(self) -> Fields:
        return {
            "name": serializers.CharField(max_length=LONGEST_ROLE, required=False),
            "description": serializers.CharField(max_length=LONGEST["description"], allow_blank=True, required=False),
            "parents": _names("Roles whose rules hold for it, too."),
            "separation_of_duty": _names("Roles that nobody may have beside it."),
            **super().get_fields(),
        }


class RolePageInput(PageInput):
    """Which page of the roles; the cursor is the name of the last role before it."""

    cursor = StrictCharField(max_length=LONGEST_ROLE, required=False)


class RoleOutput(serializers.Serializer[Any]):
    """A role; ``version`` is the one of the policy in which it was changed last."""

    name = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    parents = serializers.ListField(child=serializers.CharField())
    separation_of_duty = serializers.ListField(child=serializers.CharField())
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    version = serializers.IntegerField()


class RoleListOutput(serializers.Serializer[Any]):
    """A page of roles by name, and the version of the policy."""

    results = RoleOutput(many=True)
    next = serializers.CharField(allow_null=True)
    version = serializers.IntegerField()


def role_body(row: Role) -> dict[str, Any]:
    """Return a role as responses show it."""
    return {
        "name": row.name,
        **selectors.role_document(row=row),
        "created_at": instant(row.created_at),
        "updated_at": instant(row.updated_at),
        "version": row.version,
    }


def _names(help_text: str) -> serializers.ListField:
    name = serializers.CharField(max_length=LONGEST_ROLE)
    return serializers.ListField(child=name, max_length=MOST_PARENTS, required=False, help_text=help_text)
