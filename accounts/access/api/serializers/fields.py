"""What the bodies and queries of this app have in common, and fields that describe the members of a rule.

The members of rules and roles are validated by ``rule_documents`` alone; the fields here describe them for the OpenAPI
document.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from accounts.access import rule_documents
from accounts.access.deciding.hours import WEEKDAYS
from accounts.access.deciding.rules import Effect
from cedrina_base.strict_serializers import ReasonField, StrictCharField, StrictSerializer

Fields = dict[str, serializers.Field[Any, Any, Any, Any]]
MOST_DIGITS = 18  # of the number of a version, which is a 64-bit integer


def validated(shape: type[serializers.Serializer[Any]], data: Any) -> dict[str, Any]:
    """Return the validated members of a body or of a query. Raises: ValidationError."""
    body = shape(data=data)
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)


class ReasonInput(StrictSerializer):
    """Why the policy is changed."""

    reason = ReasonField()


class ReasonedDocumentInput(StrictSerializer):
    """A document with the reason for its change beside its members; validated are ``reason`` and ``document``."""

    reason = ReasonField()

    def to_internal_value(self, data: Any) -> Any:
        """Validate the reason. The other members are validated by the service that stores the document."""
        if not isinstance(data, Mapping):
            return super().to_internal_value(data)
        reason = validated(ReasonInput, {name: value for name, value in data.items() if name == "reason"})
        return {**reason, "document": {name: value for name, value in data.items() if name != "reason"}}


class PageInput(StrictSerializer):
    """Which page of a list: how many, and the ``next`` of the page before."""

    limit = serializers.IntegerField(min_value=1, max_value=200, default=50)
    cursor = StrictCharField(max_length=100, required=False)


class NumberedPageInput(PageInput):
    """A page of a list whose cursors are numbers."""

    cursor = StrictCharField(max_length=MOST_DIGITS, required=False)

    def validate_cursor(self, value: str) -> int:
        return number_of_cursor(value)


def number_of_cursor(value: str) -> int:
    """Return the number that a cursor is. Raises: ValidationError."""
    if not (value.isascii() and value.isdigit() and len(value) <= MOST_DIGITS):
        raise serializers.ValidationError(_("This is no cursor that was given out."), code="invalid")
    return int(value)


def instant(value: datetime) -> str:
    """Return a time as RFC 3339 in UTC."""
    return value.isoformat().replace("+00:00", "Z")


class HoursFields(serializers.Serializer[Any]):
    """Hours of a week; ``until`` is not part of them, and one before ``from`` is that of the next day."""

    def get_fields(self) -> Fields:
        clock = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
        return {
            "weekdays": serializers.ListField(child=serializers.ChoiceField(choices=WEEKDAYS), min_length=1),
            "from": serializers.RegexField(clock, help_text="such as 09:00"),
            "until": serializers.RegexField(clock, help_text="such as 17:00"),
            "time_zone": serializers.CharField(help_text="A name of the IANA database, such as Europe/Madrid."),
        }


class ConditionFields(serializers.Serializer[Any]):
    """A named condition with its arguments; docs/access-control.md lists them."""

    name = serializers.CharField()
    arguments = serializers.DictField()


def rule_fields(*, required: bool = True, is_input: bool = True) -> Fields:
    """Return a field for each member of a rule. With ``required`` those that every rule has are."""
    given: dict[str, Any] = {"required": required}
    optional: dict[str, Any] = {} if not is_input else {"required": False}

    def text(member: str, **options: Any) -> serializers.CharField:
        bound: dict[str, Any] = {"max_length": rule_documents.LONGEST[member]} if is_input else {}
        return serializers.CharField(**bound, **options)

    fields: Fields = {
        "subject": text("subject", help_text="`user:<id>`, `client:<id>` or `role:<name>`", **given),
        "object": text("object", help_text="A path; `*` is one segment, `**` at the end one or more.", **given),
        "action": text("action", help_text="A word, or `*` for all.", **given),
        "effect": serializers.ChoiceField(choices=list(Effect), **given),
        "department": text("department", allow_blank=True, **optional),
        "location": text("location", allow_blank=True, **optional),
        "hours": HoursFields(allow_null=True, **optional),
        "conditions": serializers.ListField(child=ConditionFields(), **optional),
        "valid_from": serializers.DateTimeField(allow_null=True, **optional),
        "valid_until": serializers.DateTimeField(allow_null=True, **optional),
        "note": text("note", allow_blank=True, **optional),
    }
    return fields if is_input else {name: _read(field) for name, field in fields.items()}


def _read(field: serializers.Field[Any, Any, Any, Any]) -> serializers.Field[Any, Any, Any, Any]:
    field.required = True
    return field
