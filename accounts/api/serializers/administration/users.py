"""The requests and responses of ``/admin/users``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from accounts.api.serializers.fields import LocaleField, PersonalNameField
from accounts.api.serializers.outputs import UserOutput
from accounts.models.users import Tier
from accounts.services.administration.attributes import AttributeChange
from accounts.services.administration.invitations import NewPerson
from accounts.services.administration.operator_action import (
    LONGEST_REASON,
    ActionValue,
    OperatorAction,
    Value,
    ValueKind,
)
from accounts.user_lists import LONGEST_SEARCH, ListedRole
from cedrina_base.strict_serializers import StrictBooleanField, StrictCharField, StrictChoiceField, StrictSerializer
from tokens.api.serializers.sessions import PageInput

if TYPE_CHECKING:
    from collections.abc import Mapping


class OneLineField(StrictCharField):
    """A text on one line."""

    def to_internal_value(self, data: object) -> str:
        value: str = super().to_internal_value(data)
        if not value.isprintable():
            raise serializers.ValidationError(_("It must be text on one line."), code="invalid")
        return value


def reason_field(**options: Any) -> OneLineField:
    """Return the field for the reason of an action, which its event records."""
    return OneLineField(max_length=LONGEST_REASON, **options)


class ReasonInput(StrictSerializer):
    """Why an operator does something."""

    reason = reason_field()


class SessionEndInput(StrictSerializer):
    """Why an operator ends a session."""

    reason = reason_field(required=False)


class QueryBooleanField(StrictChoiceField):
    """``true`` or ``false`` in a query."""

    def __init__(self, **options: Any) -> None:
        super().__init__(choices=["true", "false"], **options)


class UserPageInput(PageInput):
    """Which accounts are listed, and which part of the list. The cursor is what the page before gave as ``next``."""

    search = StrictCharField(
        required=False,
        max_length=LONGEST_SEARCH,
        help_text="A whole id or address, or the beginning of a username or an address.",
    )
    role = StrictChoiceField(choices=[role.value for role in ListedRole], required=False)
    is_active = QueryBooleanField(required=False)

    def validate_search(self, value: str) -> str:
        if not value.isprintable():
            raise serializers.ValidationError(_("It must be text on one line."), code="invalid")
        return value

    def conditions(self) -> dict[str, Any]:
        """Return the arguments of the selector."""
        given: Mapping[str, Any] = self.validated_data
        return {
            "search": given.get("search", ""),
            "role": ListedRole(given["role"]) if "role" in given else None,
            "is_active": given["is_active"] == "true" if "is_active" in given else None,
            "before": given.get("cursor"),
            "limit": given["limit"],
        }


class AttributesInput(StrictSerializer):
    """What operators may change about an account; what is left out stays."""

    reason = reason_field()
    tier = StrictChoiceField(choices=Tier.values, required=False)
    department = OneLineField(max_length=100, allow_blank=True, required=False)
    location = OneLineField(max_length=100, allow_blank=True, required=False)
    full_name = PersonalNameField(required=False)
    locale = LocaleField(required=False)

    def attribute_change(self) -> AttributeChange:
        return AttributeChange(**{name: value for name, value in self.validated_data.items() if name != "reason"})


class NewPersonInput(StrictSerializer):
    """The details of a new person. They choose the password themselves."""

    reason = reason_field()
    username = StrictCharField(max_length=50)
    email = StrictCharField(max_length=254)
    full_name = PersonalNameField(required=False)
    locale = LocaleField(required=False)
    tier = StrictChoiceField(choices=Tier.values, required=False)
    department = OneLineField(max_length=100, allow_blank=True, required=False)
    location = OneLineField(max_length=100, allow_blank=True, required=False)
    invite = StrictBooleanField(
        required=False, default=True, help_text="Whether a link to choose the first password is mailed."
    )

    def new_person(self) -> NewPerson:
        left_out = ("reason", "invite")
        return NewPerson(**{name: value for name, value in self.validated_data.items() if name not in left_out})


class AdminUserOutput(UserOutput):
    """A person, as operators see them."""

    department = serializers.CharField(allow_blank=True)
    location = serializers.CharField(allow_blank=True)
    deleted_at = serializers.DateTimeField(allow_null=True)
    last_login_at = serializers.DateTimeField(allow_null=True)
    risk = serializers.IntegerField(
        allow_null=True, help_text="The highest of the newest sign-ins, of a week at most; null without any."
    )


class AdminUserListOutput(serializers.Serializer[None]):
    """A page of accounts, the newest first."""

    results = AdminUserOutput(many=True)
    next = serializers.CharField(allow_null=True)


def action_input(action: OperatorAction) -> type[ReasonInput]:
    """Return the serializer of an action's request: the reason, and a field for each value of the action."""
    if not action.values:
        return ReasonInput
    fields = {value.name: _value_field(value) for value in action.values}
    members = {"__doc__": f"Why, and the values of {action.name}.", "__module__": __name__, **fields}
    return type(f"{action.name.title().replace('-', '')}Input", (ReasonInput,), members)


def values_of(data: Mapping[str, Any]) -> dict[str, Value]:
    """Return the values of a validated request, as ``OperatorAction.run`` takes them."""
    given = {name: value for name, value in data.items() if name != "reason"}
    return {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}


def _value_field(value: ActionValue) -> serializers.Field[Any, Any, Any, Any]:
    options: dict[str, Any] = {"required": value.is_required, "help_text": value.label}
    choices = [choice for choice, _label in value.choices]
    if value.kind is ValueKind.BOOLEAN:
        return StrictBooleanField(**options)
    if value.kind is ValueKind.CHOICE:
        return StrictChoiceField(choices=choices, **options)
    if value.kind is ValueKind.CHOICES:
        return serializers.ListField(
            child=StrictChoiceField(choices=choices), allow_empty=not value.is_required, max_length=50, **options
        )
    return OneLineField(max_length=value.max_length, allow_blank=not value.is_required, **options)
