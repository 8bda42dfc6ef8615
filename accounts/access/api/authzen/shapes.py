"""The shapes of AuthZEN's requests and answers, for the OpenAPI document. ``entities`` reads what is sent."""

from typing import Any

from rest_framework import serializers


class SubjectFields(serializers.Serializer[Any]):
    """Who: ``user`` (or ``identity``) or ``client``."""

    type = serializers.CharField()
    id = serializers.CharField()
    properties = serializers.DictField(required=False)


class ResourceFields(serializers.Serializer[Any]):
    """To what: the object ``<type>/<id>``."""

    type = serializers.CharField()
    id = serializers.CharField()
    properties = serializers.DictField(required=False)


class ActionFields(serializers.Serializer[Any]):
    """What is done."""

    name = serializers.CharField()
    properties = serializers.DictField(required=False)


class SearchedFields(serializers.Serializer[Any]):
    """What is searched for."""

    type = serializers.CharField()


class PageFields(serializers.Serializer[Any]):
    """Which page."""

    token = serializers.CharField(required=False, allow_blank=True)
    limit = serializers.IntegerField(min_value=1, required=False)


class EvaluationInput(serializers.Serializer[Any]):
    """An evaluation."""

    subject = SubjectFields()
    action = ActionFields()
    resource = ResourceFields()
    context = serializers.DictField(required=False)  # type: ignore[assignment]  # the name is the specification's


class OptionsFields(serializers.Serializer[Any]):
    """How many evaluations are made."""

    evaluations_semantic = serializers.ChoiceField(
        choices=["execute_all", "deny_on_first_deny", "permit_on_first_permit"], required=False
    )


class EvaluationsInput(serializers.Serializer[Any]):
    """Evaluations, with what they have in common."""

    subject = SubjectFields(required=False)
    action = ActionFields(required=False)
    resource = ResourceFields(required=False)
    context = serializers.DictField(required=False)  # type: ignore[assignment]
    evaluations = serializers.ListField(child=serializers.DictField(), max_length=100, required=False)
    options = OptionsFields(required=False)


class EvaluationOutput(serializers.Serializer[Any]):
    """A decision. ``context`` has ``reasons``, ``step_up`` where a second factor would help, and ``matched``."""

    decision = serializers.BooleanField()
    context = serializers.DictField(required=False)  # type: ignore[assignment]


class EvaluationsOutput(serializers.Serializer[Any]):
    """Decisions in order; one decision if there were no evaluations."""

    evaluations = EvaluationOutput(many=True, required=False)
    decision = serializers.BooleanField(required=False)
    context = serializers.DictField(required=False)  # type: ignore[assignment]


class AuthZenSubjectSearchInput(serializers.Serializer[Any]):
    """A search for subjects."""

    subject = SearchedFields()
    action = ActionFields()
    resource = ResourceFields()
    context = serializers.DictField(required=False)  # type: ignore[assignment]
    page = PageFields(required=False)


class AuthZenResourceSearchInput(serializers.Serializer[Any]):
    """A search for resources."""

    subject = SubjectFields()
    action = ActionFields()
    resource = SearchedFields()
    context = serializers.DictField(required=False)  # type: ignore[assignment]
    page = PageFields(required=False)


class AuthZenActionSearchInput(serializers.Serializer[Any]):
    """A search for actions."""

    subject = SubjectFields()
    resource = ResourceFields()
    context = serializers.DictField(required=False)  # type: ignore[assignment]
    page = PageFields(required=False)


class NextPageFields(serializers.Serializer[Any]):
    """How to go on: an empty token at the end."""

    next_token = serializers.CharField(allow_blank=True)
    count = serializers.IntegerField()


class EntityFields(serializers.Serializer[Any]):
    """A subject or a resource."""

    type = serializers.CharField()
    id = serializers.CharField()


class NamedActionFields(serializers.Serializer[Any]):
    """An action."""

    name = serializers.CharField()


class EntitiesOutput(serializers.Serializer[Any]):
    """A page of subjects or resources."""

    page = NextPageFields()
    results = EntityFields(many=True)


class ActionsOutput(serializers.Serializer[Any]):
    """A page of actions."""

    page = NextPageFields()
    results = NamedActionFields(many=True)


class MetadataOutput(serializers.Serializer[Any]):
    """Where the endpoints are."""

    policy_decision_point = serializers.URLField()
    access_evaluation_endpoint = serializers.URLField()
    access_evaluations_endpoint = serializers.URLField()
    search_subject_endpoint = serializers.URLField()
    search_resource_endpoint = serializers.URLField()
    search_action_endpoint = serializers.URLField()
    signed_metadata = serializers.CharField(
        required=False, help_text="All of this as a signed JWT, with `iss`, `iat` and `exp`."
    )
