"""Serializer fields for the members of a policy, made from its schema: the API documents what is validated there."""

from typing import Any

from rest_framework import serializers

from ratelimiting.policy_schema import MATCH_MEMBERS, MEMBERS, member_schema

Fields = dict[str, serializers.Field[Any, Any, Any, Any]]


def policy_fields(match: serializers.Serializer[Any], **options: Any) -> Fields:
    """Return a field for each member of a policy; ``match`` is the one for its member of that name."""
    return {name: match if name == "match" else schema_field(name, **options) for name in MEMBERS}


def match_fields(**options: Any) -> Fields:
    """Return a field for each member of ``match``."""
    return {name: schema_field("match", name, **options) for name in MATCH_MEMBERS}


def schema_field(*path: str, is_input: bool = True, **options: Any) -> serializers.Field[Any, Any, Any, Any]:
    """Return the field for a member. Only fields for input have the schema's bounds."""
    described = member_schema(*path)
    if described.get("nullable"):
        options["allow_null"] = True
    return _field(described, is_input=is_input, **options)


def _field(described: dict[str, Any], *, is_input: bool, **options: Any) -> serializers.Field[Any, Any, Any, Any]:
    match described:
        case {"enum": choices} if is_input or described.get("title") != "Method":
            return serializers.ChoiceField(choices=choices, **options)
        case {"type": "integer", "minimum": least, "maximum": most} if is_input:
            return serializers.IntegerField(min_value=least, max_value=most, **options)
        case {"type": "integer"}:
            return serializers.IntegerField(**options)
        case {"type": "array", "items": items, "maxItems": most} if is_input:
            return serializers.ListField(child=_field(items, is_input=True), max_length=most, **options)
        case {"type": "array", "items": items}:
            return serializers.ListField(child=_text_field(items, is_input=False), **options)
        case _:
            return _text_field(described, is_input=is_input, **options)


def _text_field(described: dict[str, Any], *, is_input: bool, **options: Any) -> serializers.CharField:
    if not is_input:
        return serializers.CharField(**options)
    return serializers.CharField(
        max_length=described["maxLength"], allow_blank=not described.get("minLength"), **options
    )
