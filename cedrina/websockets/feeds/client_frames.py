"""What a client may ask of a feed: a filter, and to resume behind an event."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from cedrina.http.problems import field_errors
from cedrina_base.strict_serializers import StrictCharField, StrictSerializer
from security_events.catalogue import CATALOGUE
from security_events.selectors.event_filters import SEVERITIES

MOST_TYPES = 200


class ClientFrameRefused(Exception):
    """A message of a client is wrong. ``errors`` has the shape of those of the API."""

    def __init__(self, code: str, errors: list[dict[str, str]] | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.errors = errors


@dataclass(frozen=True, slots=True)
class FeedFilter:
    """The events that a client wants. ``severity`` is as in the API: ``high``, or ``high+`` for what is above, too."""

    severity: str | None = None
    types: frozenset[str] = frozenset()

    @property
    def severities(self) -> tuple[str, ...] | None:
        return tuple(map(str, SEVERITIES[self.severity])) if self.severity else None

    def passes(self, *, event_type: str, severity: str) -> bool:
        """Return whether a client wants an event."""
        return (not self.types or event_type in self.types) and self.passes_severity(severity)

    def passes_severity(self, severity: str) -> bool:
        """Return whether a client wants what has a severity."""
        return self.severity is None or severity in SEVERITIES[self.severity]


@dataclass(frozen=True, slots=True)
class ResumeRequest:
    """A client has the event ``after``, and wants what came behind it."""

    after: UUID


class _FilterInput(StrictSerializer):
    type = StrictCharField()
    severity = serializers.ChoiceField(choices=list(SEVERITIES), required=False, allow_null=True)
    types = serializers.ListField(child=StrictCharField(max_length=64), max_length=MOST_TYPES, required=False)

    def validate_types(self, value: list[str]) -> list[str]:
        for event_type in value:
            if event_type not in CATALOGUE:
                raise serializers.ValidationError(
                    self.fields["severity"].error_messages["invalid_choice"].format(input=event_type), code="invalid"
                )
        return value


class _EventIdField(serializers.UUIDField):
    """Accepts texts only; the framework's field converts numbers, too."""

    def to_internal_value(self, data: Any) -> UUID:
        if not isinstance(data, str):
            self.fail("invalid", value=data)
        return super().to_internal_value(data)


class _ResumeInput(StrictSerializer):
    type = StrictCharField()
    after = _EventIdField()


def read_frame(message: Mapping[str, Any]) -> FeedFilter | ResumeRequest:
    """Return what a client asks for.

    Raises: ClientFrameRefused.
    """
    form: StrictSerializer
    if message.get("type") == "filter":
        form = _FilterInput(data=message)
    elif message.get("type") == "resume":
        form = _ResumeInput(data=message)
    else:
        raise ClientFrameRefused("malformed_request")
    try:
        form.is_valid(raise_exception=True)
    except ValidationError as error:
        raise ClientFrameRefused("validation_error", list(field_errors(error.detail))) from error
    given = form.validated_data
    if isinstance(form, _ResumeInput):
        return ResumeRequest(given["after"])
    return FeedFilter(given.get("severity"), frozenset(given.get("types", ())))
