"""The requests and responses of ``/admin/policies/versions`` and ``/admin/policies/rollback``."""

from typing import Any

from rest_framework import serializers

from accounts.access.api.serializers.fields import instant
from accounts.access.models import PolicyVersion
from accounts.access.policy_lists import LARGEST_NUMBER
from accounts.access.types import ChangeKind
from cedrina_base.strict_serializers import ReasonField, StrictIntegerField, StrictSerializer


class RollbackInput(StrictSerializer):
    """A version to go back to, and why."""

    version = StrictIntegerField(min_value=1, max_value=LARGEST_NUMBER)
    reason = ReasonField()


class VersionOutput(serializers.Serializer[Any]):
    """A change of the policy. ``restored`` is the version that it went back to, if it did."""

    version = serializers.IntegerField()
    author = serializers.CharField(allow_blank=True, help_text="Empty at the command line and for an erased account.")
    author_id = serializers.CharField(allow_blank=True)
    reason = serializers.CharField()
    restored = serializers.IntegerField(allow_null=True)
    created_at = serializers.DateTimeField()


class VersionListOutput(serializers.Serializer[Any]):
    """A page of versions, the newest first."""

    results = VersionOutput(many=True)
    next = serializers.CharField(allow_null=True)


class ChangeOutput(serializers.Serializer[Any]):
    """What a version changed. ``before`` is null for what is new, ``after`` for what was deleted."""

    kind = serializers.ChoiceField(choices=list(ChangeKind))
    key = serializers.CharField(help_text="The id of a rule, the name of a role, or `<role> <subject>` of a grant.")
    before = serializers.DictField(allow_null=True)
    after = serializers.DictField(allow_null=True)


class VersionChangesOutput(VersionOutput):
    """A version with a page of its changes."""

    changes = ChangeOutput(many=True)
    next = serializers.CharField(allow_null=True)


def version_body(row: PolicyVersion) -> dict[str, Any]:
    """Return a version as responses show it, without its changes."""
    return {
        "version": row.number,
        "author": row.author,
        "author_id": row.author_id,
        "reason": row.reason,
        "restored": row.restored,
        "created_at": instant(row.created_at),
    }
