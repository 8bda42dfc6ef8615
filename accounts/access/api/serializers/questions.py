"""The shapes of questions and answers, for the OpenAPI document. ``question_bodies`` reads what is sent."""

from typing import Any

from rest_framework import serializers

from accounts.access.api.question_bodies import LONGEST_ACTION, LONGEST_SUBJECT, MOST_CHECKS
from accounts.access.api.serializers.fields import Fields
from accounts.access.deciding.attributes import ROOTS
from accounts.access.deciding.paths import MAX_LENGTH

_MEMBERS: dict[str, Any] = {
    "subject": lambda: serializers.CharField(
        max_length=LONGEST_SUBJECT,
        required=False,
        help_text="`user:<id>` or `client:<id>`; yourself if it is left out.",
    ),
    "object": lambda: serializers.CharField(max_length=MAX_LENGTH, help_text="A path, such as documents/42."),
    "action": lambda: serializers.CharField(max_length=LONGEST_ACTION, help_text="A word, such as read."),
}


def _members(*names: str) -> Fields:
    return {name: _MEMBERS[name]() for name in names}


class AttributesFields(serializers.Serializer[Any]):
    """What is known of the question: values by their names, nested at most 8 levels."""

    def get_fields(self) -> Fields:
        return {root: serializers.DictField(required=False) for root in ROOTS}


class CheckInput(serializers.Serializer[Any]):
    """A question."""

    def get_fields(self) -> Fields:
        return {
            **_members("subject", "object", "action"),
            "attributes": AttributesFields(required=False),
            "at_least_version": serializers.IntegerField(min_value=0, max_value=10**18, required=False),
        }


class CheckBatchInput(serializers.Serializer[Any]):
    """Questions."""

    checks = serializers.ListField(child=CheckInput(), min_length=1, max_length=MOST_CHECKS)


class MatchedFields(serializers.Serializer[Any]):
    """Which rule decided by which version, and why."""

    rule = serializers.CharField(allow_null=True)
    version = serializers.IntegerField()
    reasons = serializers.ListField(child=serializers.CharField())


class CheckAnswerOutput(serializers.Serializer[Any]):
    """An answer of many; ``matched`` is null without ``authz:explain``."""

    allowed = serializers.BooleanField()
    matched = MatchedFields(allow_null=True)


class CheckOutput(CheckAnswerOutput):
    """An answer, and the version that decided."""

    version = serializers.IntegerField()


class CheckBatchOutput(serializers.Serializer[Any]):
    """Answers in the order of the questions."""

    results = CheckAnswerOutput(many=True)
    version = serializers.IntegerField()


class SearchInput(serializers.Serializer[Any]):
    """From where a search goes on."""

    asked: tuple[str, ...] = ()

    def get_fields(self) -> Fields:
        return {
            **_members(*self.asked),
            "attributes": AttributesFields(required=False),
            "cursor": serializers.CharField(max_length=MAX_LENGTH, required=False, allow_blank=True),
            "limit": serializers.IntegerField(min_value=1, max_value=200, required=False),
        }


class SubjectSearchInput(SearchInput):
    """Search those who may do this."""

    asked = ("object", "action")


class ObjectSearchInput(SearchInput):
    """Search what somebody may do this to."""

    asked = ("subject", "action")


class ActionSearchInput(SearchInput):
    """Search what somebody may do to this."""

    asked = ("subject", "object")


class FoundSubjectFields(serializers.Serializer[Any]):
    """Somebody who may."""

    subject = serializers.CharField()
    matched = MatchedFields(allow_null=True)


class FoundObjectFields(serializers.Serializer[Any]):
    """An object on which it is allowed."""

    object = serializers.CharField()
    matched = MatchedFields(allow_null=True)


class FoundActionFields(serializers.Serializer[Any]):
    """An action that is allowed."""

    action = serializers.CharField()
    matched = MatchedFields(allow_null=True)


class SearchOutput(serializers.Serializer[Any]):
    """A page of results; ``next`` is null at the end."""

    next = serializers.CharField(allow_null=True)
    version = serializers.IntegerField()


class SubjectSearchOutput(SearchOutput):
    """Those who may."""

    results = FoundSubjectFields(many=True)


class ObjectSearchOutput(SearchOutput):
    """The objects on which it is allowed."""

    results = FoundObjectFields(many=True)


class ActionSearchOutput(SearchOutput):
    """The actions that are allowed."""

    results = FoundActionFields(many=True)
