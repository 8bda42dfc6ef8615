"""The API of detection rules: how they do, change their mode and thresholds, and see who did."""

from typing import ClassVar

from django.utils import timezone
from django.utils.translation import gettext
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from cedrina_base.content_language import set_content_language
from cedrina_base.preconditions import versions_from
from security_events.api import incident_examples as examples
from security_events.api.base import SecurityEventsAPIView
from security_events.api.permissions import CHANGE_RULES, READ_RULES
from security_events.api.serializers import detection_rules as shapes
from security_events.api.views.webhooks import ENTITY_TAG, STEP_UP_CODES, actor_of, validated
from security_events.detection import rules
from security_events.detection.errors import RuleNotFound, ThresholdInvalid
from security_events.detection.rules import Rule
from security_events.selectors.detection.rule_figures import RuleFigures, figures_of_rules, rule_versions_page
from security_events.services.detection import rule_settings
from security_events.types import RuleMode

_RULE_ID = OpenApiParameter("rule_id", str, OpenApiParameter.PATH, description="Such as `credential_stuffing`.")
_IF_MATCH = OpenApiParameter(
    "If-Match", str, OpenApiParameter.HEADER, description="The ETag read; without it, whatever is in force is changed."
)


class DetectionRuleAPIView(SecurityEventsAPIView):
    """Asks who may read or change rules, and answers a threshold that can't be with 422."""

    actions: ClassVar = {"get": READ_RULES, "patch": CHANGE_RULES}

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, ThresholdInvalid):
            refusal = ErrorDetail(gettext("The rule has no such threshold."), code="unknown_field")
            exc = ValidationError({"thresholds": {exc.name: [refusal]}})
        return super().handle_exception(exc)


class DetectionRulesView(DetectionRuleAPIView):
    """All rules."""

    problem_codes: ClassVar = {"get": ["permission_denied"]}

    @extend_schema(
        operation_id="list_detection_rules",
        tags=["administration"],
        summary="List detection rules with their precision",
        responses={200: shapes.DetectionRuleListOutput},
        examples=[OpenApiExample("One", response_only=True, value={"results": [examples.RULE], "next": None})],
    )
    def get(self, request: Request) -> Response:
        """List all rules: what is in force, what operators said about their incidents, and what shadow mode found."""
        rule_settings.refresh_at_once()
        figures = figures_of_rules(now=timezone.now())
        results = [
            shapes.rule_body(rule, rule_settings.of(rule), figures.get(rule.id, RuleFigures()))
            for rule in rules.in_order()
        ]
        return set_content_language(Response({"results": results, "next": None}))  # titles are translated


class DetectionRuleView(DetectionRuleAPIView):
    """One rule."""

    problem_codes: ClassVar = {
        "get": ["permission_denied"],
        "patch": [*STEP_UP_CODES, "version_mismatch"],
    }
    field_codes: ClassVar = {
        "patch": ["required", "blank", "invalid", "max_length", "unknown_field"],
    }

    @extend_schema(
        operation_id="read_detection_rule",
        tags=["administration"],
        summary="Read a detection rule",
        parameters=[_RULE_ID, ENTITY_TAG],
        responses={200: shapes.DetectionRuleOutput},
        examples=[OpenApiExample("A rule", response_only=True, value=examples.RULE)],
    )
    def get(self, request: Request, rule_id: str) -> Response:
        """Read a rule, what is in force of it, and how well it does."""
        return _answer(_found(rule_id))

    @extend_schema(
        operation_id="change_detection_rule",
        tags=["administration"],
        summary="Change the mode or thresholds of a rule",
        request=shapes.RuleChangeInput,
        parameters=[_RULE_ID, ENTITY_TAG, _IF_MATCH],
        responses={200: shapes.DetectionRuleOutput},
        examples=[
            OpenApiExample("Only watch", request_only=True, value=examples.RULE_CHANGE),
            OpenApiExample("Changed", response_only=True, value={**examples.RULE, "mode": "shadow"}),
        ],
    )
    def patch(self, request: Request, rule_id: str) -> Response:
        """Change the mode or some thresholds of a rule. All processes follow within 2 seconds.

        `off` looks for nothing, `shadow` counts findings and acts on none, `enforce` opens incidents. The reason stands
        in the rule's history and in the audit trail.
        """
        if_match = request.headers.get("If-Match")
        versions = versions_from(if_match) if if_match else None
        given = validated(shapes.RuleChangeInput, request.data)
        rule_settings.change(
            rule_id=rule_id,
            mode=RuleMode(given["mode"]) if "mode" in given else None,
            thresholds=given.get("thresholds"),
            reason=given["reason"],
            versions=versions,
            actor=actor_of(request),
            now=timezone.now(),
        )
        return _answer(_found(rule_id))


class DetectionRuleVersionsView(DetectionRuleAPIView):
    """The history of a rule."""

    problem_codes: ClassVar = {"get": ["permission_denied", "validation_error"]}
    field_codes: ClassVar = {"get": ["invalid", "unknown_field"]}

    @extend_schema(
        operation_id="list_detection_rule_versions",
        tags=["administration"],
        summary="List the changes of a detection rule",
        parameters=[_RULE_ID, shapes.RuleVersionPageInput],
        responses={200: shapes.RuleVersionListOutput},
        examples=[OpenApiExample("One", response_only=True, value={"results": [examples.RULE_VERSION], "next": None})],
    )
    def get(self, request: Request, rule_id: str) -> Response:
        """List who changed the rule to what and why, the newest change first."""
        page = validated(shapes.RuleVersionPageInput, request.query_params.dict())
        limit = page["limit"]
        rows = rule_versions_page(rule=_found(rule_id).id, before=page.get("cursor"), limit=limit)
        following = str(rows[limit - 1].number) if len(rows) > limit else None
        return Response({"results": [shapes.version_body(row) for row in rows[:limit]], "next": following})


def _found(rule_id: str) -> Rule:
    rule = rules.find(rule_id)
    if rule is None:
        raise RuleNotFound
    return rule


def _answer(rule: Rule) -> Response:
    """Return a rule with the number of its newest change as the ETag."""
    rule_settings.refresh_at_once()
    settings, figures = rule_settings.of(rule), figures_of_rules(now=timezone.now())
    body = shapes.rule_body(rule, settings, figures.get(rule.id, RuleFigures()))
    headers = {"ETag": f'"{settings.version}"', "Cache-Control": "no-store"}
    return set_content_language(Response(body, headers=headers))
