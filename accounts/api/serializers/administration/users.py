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
from accounts.services.administration.person_changes import PersonChange
from accounts.user_lists import LONGEST_SEARCH, is_listed_role
from cedrina_base.strict_serializers import StrictBooleanField, StrictCharField, StrictChoiceField, StrictSerializer
from tokens.api.serializers.sessions import PageInput

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

LONGEST_ROLE = 100  # a permission is a role, too


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
    role = StrictCharField(
        required=False,
        max_length=LONGEST_ROLE,
        help_text="A role that was given to them and is in force; `staff` are all who may use the admin.",
    )
    is_active = QueryBooleanField(required=False)
    is_deleted = QueryBooleanField(required=False, help_text="Deleted accounts are listed with `true` only.")

    def validate_search(self, value: str) -> str:
        if not value.isprintable():
            raise serializers.ValidationError(_("It must be text on one line."), code="invalid")
        return value

    def validate_role(self, value: str) -> str:
        if not is_listed_role(value):
            raise serializers.ValidationError(_("There is no role of this name."), code="invalid")
        return value

    def conditions(self, *, now: datetime) -> dict[str, Any]:
        """Return the arguments of the selector."""
        given: Mapping[str, Any] = self.validated_data
        return {
            "search": given.get("search", ""),
            "role": given.get("role", ""),
            "is_active": given["is_active"] == "true" if "is_active" in given else None,
            "is_deleted": given.get("is_deleted") == "true",
            "now": now,
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
    is_active = StrictBooleanField(required=False, help_text="As the calls to lock and unlock.")
    is_staff = StrictBooleanField(
        required=False, help_text="`false` takes all roles that give permissions; to give one, give a role."
    )

    def person_change(self) -> PersonChange:
        given = dict(self.validated_data)
        given.pop("reason")
        is_active, is_staff = given.pop("is_active", None), given.pop("is_staff", None)
        return PersonChange(AttributeChange(**given), is_active=is_active, is_staff=is_staff)


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
