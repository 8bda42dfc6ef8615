"""Serializers and fields that accept input as it was sent: they convert, trim and drop nothing."""

from collections.abc import Mapping
from itertools import islice
from typing import Any, cast

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

# How many unknown members a response names; a body of 64 KiB may hold thousands.
MAX_UNKNOWN_MEMBERS = 100
LONGEST_REASON = 200


def sole_text(data: Any, name: str, *, max_length: int) -> str | None:
    """Return the value of a body that has one member, ``name``, whose value is printable ASCII.

    ``None`` for any other body: then a serializer with a ``StrictCharField`` finds what is wrong, if anything is. It
    would accept each text that is returned here, and takes 110 µs of CPU instead of one.
    """
    if type(data) is not dict or len(data) != 1:
        return None
    value = data.get(name)
    is_plain = isinstance(value, str) and 0 < len(value) <= max_length and value.isascii() and value.isprintable()
    return value if is_plain else None


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses unknown members, so that a misspelt one is not ignored."""

    def to_internal_value(self, data: Any) -> Any:
        problems: dict[str, Any] = {}
        value: Any = None
        try:
            value = super().to_internal_value(data)
        except serializers.ValidationError as error:
            problems = dict(cast("dict[str, Any]", error.detail))
        if isinstance(data, Mapping):
            refusal = ErrorDetail(str(_("There is no such member.")), code="unknown_field")
            unknown = islice((str(name) for name in data if name not in self.fields), MAX_UNKNOWN_MEMBERS)
            problems |= {name: [refusal] for name in unknown}
        if problems:
            raise serializers.ValidationError(problems)
        return value


class StrictCharField(serializers.CharField):
    """Accepts strings without trimming them, and no numbers or booleans."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("trim_whitespace", False)
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class StrictChoiceField(serializers.ChoiceField):
    """Accepts one of a few strings. The error lists them and does not repeat the input."""

    default_error_messages = {"invalid_choice": _("It must be one of {allowed}.")}

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str) or data not in self.choices:
            self.fail("invalid_choice", allowed=", ".join(map(str, self.choices)))
        return str(data)


class StrictBooleanField(serializers.BooleanField):
    """Accepts ``true`` and ``false`` only, not ``"yes"`` or ``1``."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class StrictIntegerField(serializers.IntegerField):
    """Takes an integer; a string of digits is refused."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        value: int = super().to_internal_value(data)
        return value


class ReasonField(StrictCharField):
    """Why something is changed, on one line."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=LONGEST_REASON, **options)

    def to_internal_value(self, data: object) -> str:
        value: str = super().to_internal_value(data)
        if not value.isprintable():
            raise serializers.ValidationError(_("The reason must be text on one line."), code="invalid")
        return value
