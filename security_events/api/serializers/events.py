"""The filters of events coming in, and events going out."""

import ipaddress
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from cedrina_base.strict_serializers import StrictChoiceField, StrictSerializer
from security_events.catalogue import CATALOGUE
from security_events.exporters.formats import ExportFormat
from security_events.selectors.event_filters import SEVERITIES, EventFilter
from security_events.selectors.trail import START, TrailPosition
from security_events.selectors.trail_pages import position_of
from security_events.services.event_lines import MAX_LINES
from security_events.types import Outcome, Severity

_FIRST, _LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2999, 12, 31, tzinfo=UTC)  # what ids can hold, and more
_BAD_CURSOR = _("The cursor is not one of ours.")


class _DeclaredField(serializers.CharField):
    """A text that some declared event type has."""

    def __init__(self, attribute: str, **options: Any) -> None:
        self._attribute = attribute
        super().__init__(required=False, max_length=64, trim_whitespace=False, **options)

    def to_internal_value(self, data: Any) -> str:
        value: str = super().to_internal_value(data)
        if not any(getattr(event_type, self._attribute) == value for event_type in CATALOGUE.values()):
            raise serializers.ValidationError(_("No event type has this value."), code="invalid")
        return value


class _AddressField(serializers.CharField):
    """An address of IPv4 or IPv6 without a zone, in any notation."""

    def to_internal_value(self, data: Any) -> str:
        value: str = super().to_internal_value(data)
        try:
            address = ipaddress.ip_address(value)
        except ValueError as error:
            raise serializers.ValidationError(_("Enter a valid IP address."), code="invalid") from error
        if getattr(address, "scope_id", None) is not None:
            raise serializers.ValidationError(_("Enter a valid IP address."), code="invalid")
        return str(address)


class EventFilterInput(StrictSerializer):
    """What events must have in common."""

    type = _DeclaredField("id", help_text="An event type, such as `session.created`.")
    category = _DeclaredField("category", help_text="The category of event types, such as `session`.")
    severity = StrictChoiceField(
        choices=list(SEVERITIES), required=False, help_text="One severity, or with `+` this one and those above it."
    )
    outcome = StrictChoiceField(choices=list(Outcome), required=False)
    actor = serializers.CharField(required=False, max_length=64, help_text="The id of the user who acted.")
    ip = _AddressField(required=False, max_length=45, help_text="The address of the client.")
    session = serializers.UUIDField(required=False, help_text="The id of the session.")
    min_risk = serializers.IntegerField(required=False, min_value=0, max_value=100)
    since = serializers.DateTimeField(required=False, help_text="The earliest moment.")
    until = serializers.DateTimeField(required=False, help_text="The moment that all events are before.")

    def to_internal_value(self, data: Any) -> Any:
        """Refuse a parameter that is given twice: one of the two values would be ignored."""
        if hasattr(data, "lists"):
            repeated = [name for name, values in data.lists() if len(values) > 1]
            if repeated:
                refusal = ErrorDetail(str(_("It may be given once only.")), code="invalid")
                raise serializers.ValidationError({name: [refusal] for name in repeated[:100]})
            data = data.dict()
        return super().to_internal_value(data)

    def validate_since(self, value: datetime) -> datetime:
        return _in_range(value)

    def validate_until(self, value: datetime) -> datetime:
        return _in_range(value)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "since" in attrs and "until" in attrs and attrs["until"] < attrs["since"]:
            raise serializers.ValidationError({"until": [_("This is before the beginning.")]}, code="invalid")
        return attrs

    def wanted(self) -> EventFilter:
        """Return the filter of validated input."""
        given = self.validated_data
        return EventFilter(**{each.name: given[each.name] for each in fields(EventFilter) if each.name in given})


class EventPageInput(EventFilterInput):
    """A page of the list, newest first. The cursor is what the page before gave as ``next``."""

    cursor = serializers.CharField(required=False)
    limit = serializers.IntegerField(min_value=1, max_value=200, default=50)

    def validate_cursor(self, value: str) -> UUID:
        try:
            return UUID(hex=value)
        except ValueError as error:
            raise serializers.ValidationError(_BAD_CURSOR, code="invalid") from error

    def to_internal_value(self, data: Any) -> Any:
        """Say what members of the other kind of page need."""
        lines_only = [name for name in ("format", "after") if name in data]
        if lines_only:
            refusal = ErrorDetail(str(_("It needs the header Accept: application/x-ndjson.")), code="invalid")
            raise serializers.ValidationError({name: [refusal] for name in lines_only})
        return super().to_internal_value(data)


class EventLinesInput(EventFilterInput):
    """Lines in the order of the trail. ``after`` is the ``X-Next-Cursor`` of the answer before."""

    format = StrictChoiceField(choices=list(ExportFormat), default=ExportFormat.CEDRINA)
    after = serializers.CharField(required=False)
    limit = serializers.IntegerField(min_value=1, max_value=MAX_LINES, default=MAX_LINES)

    def validate_after(self, value: str) -> TrailPosition:
        position = position_of(value)
        if position is None:
            raise serializers.ValidationError(_BAD_CURSOR, code="invalid")
        return position

    def position(self) -> TrailPosition:
        """Return where validated input goes on: without ``after``, at the beginning."""
        return cast("TrailPosition", self.validated_data.get("after", START))


class EventOutput(serializers.Serializer[None]):
    """A security event in its public form."""

    id = serializers.UUIDField(help_text="Ids are time-ordered.")
    occurred_at = serializers.DateTimeField(help_text="With microseconds.")
    type = serializers.CharField()
    category = serializers.CharField()
    severity = serializers.ChoiceField(choices=list(Severity))
    outcome = serializers.ChoiceField(choices=list(Outcome))
    actor_id = serializers.CharField(allow_null=True)
    actor_name = serializers.CharField(allow_null=True, help_text="Masked.")
    actor_pseudonym = serializers.CharField(
        allow_null=True, help_text="A keyed digest of a name that no account has: the same for the same name."
    )
    target_id = serializers.CharField(allow_null=True)
    target_name = serializers.CharField(allow_null=True, help_text="Masked.")
    session_id = serializers.UUIDField(allow_null=True)
    family_id = serializers.UUIDField(allow_null=True, help_text="The token family.")
    correlation_id = serializers.CharField(allow_null=True)
    ip_address = serializers.CharField(allow_null=True)
    user_agent = serializers.CharField(allow_null=True)
    risk_score = serializers.IntegerField(min_value=0, max_value=100)
    risk_reasons = serializers.ListField(child=serializers.CharField())
    data = serializers.DictField()  # type: ignore[assignment]  # a member, not the serializer's own data


class EventListOutput(serializers.Serializer[None]):
    """A page of events, newest first. It may hold fewer events than asked for, or none, although more follow."""

    results = EventOutput(many=True)
    next = serializers.CharField(allow_null=True)


def _in_range(value: datetime) -> datetime:
    if not _FIRST <= value <= _LAST:
        raise serializers.ValidationError(_("The year must be from 2000 to 2999."), code="invalid")
    return value
