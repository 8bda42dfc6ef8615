"""Shapes of the sealed trail."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from cedrina_base.strict_serializers import StrictSerializer

_LARGEST_SIZE = 2**63 - 1


class SizeField(serializers.IntegerField):
    """A number of leaves."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=0, max_value=_LARGEST_SIZE, **kwargs)


class ConsistencyInput(StrictSerializer):
    """Two sizes of the trail."""

    to = SizeField(help_text="The size of the larger checkpoint.")

    def get_fields(self) -> dict[str, Any]:
        # The name is a word of Python's.
        return {"from": SizeField(help_text="The size of the smaller checkpoint."), **super().get_fields()}


class CheckpointPageInput(StrictSerializer):
    """Which part of the list is wanted. The cursor is what the page before gave as ``next``."""

    limit = serializers.IntegerField(min_value=1, max_value=200, default=50)
    cursor = serializers.CharField(required=False, max_length=19)

    def validate_cursor(self, value: str) -> int:
        if not (value.isascii() and value.isdigit()):
            raise serializers.ValidationError(_("The cursor is not one of ours."), code="invalid")
        return int(value)


class CheckpointOutput(serializers.Serializer[dict[str, object]]):
    """A signed checkpoint."""

    size = serializers.IntegerField(help_text="How many events the trail had.")
    # The metaclass takes it out of the class, so that the attribute of all fields remains.
    root = serializers.CharField(help_text="The root of the tree, in base64.")  # type: ignore[assignment]
    note = serializers.CharField(help_text="The signed note (C2SP tlog-checkpoint).")
    created_at = serializers.DateTimeField()
    events_from = serializers.UUIDField(help_text="The first event that was sealed by it.")
    events_to = serializers.UUIDField(help_text="The last event that was sealed by it.")
    cosignatures = serializers.ListField(
        child=serializers.CharField(), help_text="Lines of witnesses, to be appended to the note."
    )


class CheckpointListOutput(serializers.Serializer[dict[str, object]]):
    """A page of checkpoints, the newest first."""

    results = CheckpointOutput(many=True)
    next = serializers.CharField(allow_null=True)


class InclusionProofOutput(serializers.Serializer[dict[str, object]]):
    """The proof that an event is in the trail."""

    index = serializers.IntegerField(help_text="The place of the event, counted from 0.")
    hashes = serializers.ListField(
        child=serializers.CharField(), help_text="In base64, the one next to the leaf first."
    )
    checkpoint = serializers.CharField(help_text="The signed note that the proof leads to.")


class ConsistencyProofOutput(serializers.Serializer[dict[str, object]]):
    """The proof that the larger trail begins with the smaller one (RFC 6962, 2.1.2)."""

    to = serializers.IntegerField()
    hashes = serializers.ListField(child=serializers.CharField(), help_text="In base64.")

    def get_fields(self) -> dict[str, Any]:
        return {"from": serializers.IntegerField(), **super().get_fields()}
