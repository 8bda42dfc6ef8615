"""``/admin/policies``: the rules of the policy."""

from typing import Any, ClassVar
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import policy_lists
from accounts.access.api import described, examples
from accounts.access.api.base import AccessAPIView, author_of, versioned
from accounts.access.api.document_answers import page_answer, removal_answer, row_answer
from accounts.access.api.idempotency import IDEMPOTENCY_FIELDS, IDEMPOTENCY_PARAMETER, IDEMPOTENCY_PROBLEMS, once
from accounts.access.api.serializers import rules as shapes
from accounts.access.api.serializers.fields import ReasonInput, validated
from accounts.access.permission_types import CHANGE_POLICIES, READ_POLICIES
from accounts.access.services.idempotency import Made
from accounts.access.services.policy_changes import policy_change
from cedrina_base.preconditions import versions_from


class PolicyRulesView(AccessAPIView):
    """All rules."""

    needed_permissions: ClassVar = {"get": READ_POLICIES.name, "post": CHANGE_POLICIES.name}
    problem_codes: ClassVar = {
        "get": ["permission_denied", "validation_error"],
        "post": [*described.STEP_UP_CODES, "already_exists", *IDEMPOTENCY_PROBLEMS],
    }
    field_codes: ClassVar = {
        "get": described.OF_PAGES,
        "post": [*described.OF_DOCUMENTS, *IDEMPOTENCY_FIELDS],
    }

    @extend_schema(
        operation_id="list_policy_rules",
        tags=described.TAGS,
        summary="List rules of the access policy",
        parameters=[shapes.PolicyRulePageInput, described.ENTITY_TAG],
        responses={200: shapes.PolicyRuleListOutput},
        examples=[
            OpenApiExample("One", response_only=True, value={"results": [examples.RULE], "next": None, "version": 7})
        ],
    )
    def get(self, request: Request) -> Response:
        """List the rules, the oldest first.

        The ETag is the version of the whole policy, for a rollback.
        """
        query = shapes.PolicyRulePageInput(data=request.query_params.dict())
        query.is_valid(raise_exception=True)

        def read() -> tuple[list[dict[str, Any]], str | None]:
            page = policy_lists.rules_page(**query.conditions())
            return [shapes.rule_body(row) for row in page.rows], page.next

        return page_answer(read)

    @extend_schema(
        operation_id="create_policy_rule",
        tags=described.TAGS,
        summary="Add a rule to the access policy",
        request=shapes.PolicyRuleInput,
        parameters=[IDEMPOTENCY_PARAMETER, described.ENTITY_TAG, described.MADE_VERSION],
        responses={201: shapes.PolicyRuleOutput},
        examples=[
            OpenApiExample("In office hours", request_only=True, value=examples.NEW_RULE),
            OpenApiExample("Stored", response_only=True, value=examples.RULE, status_codes=["201"]),
        ],
    )
    def post(self, request: Request) -> Response:
        """Add a rule. It is in force in this process at once, and in all others within 2 s.

        A rule that says the same as another one is refused; only their notes may differ. With an `Idempotency-Key`, a
        repeated call is answered with the rule as it is now.
        """
        given = validated(shapes.PolicyRuleInput, request.data)
        now = timezone.now()

        def add() -> Made:
            with policy_change(author=author_of(request), reason=given["reason"], now=now) as writer:
                row = writer.add_rule(given["document"])
            return Made(str(row.pk), writer.version)

        made = once(request, add, now=now)
        row = policy_lists.rule(UUID(made.result))
        return versioned(Response(shapes.rule_body(row), status=201), made.version, etag=row.version)


class PolicyRuleView(AccessAPIView):
    """One rule."""

    needed_permissions: ClassVar = {
        "get": READ_POLICIES.name,
        "patch": CHANGE_POLICIES.name,
        "delete": CHANGE_POLICIES.name,
    }
    _changing: ClassVar = [*described.STEP_UP_CODES, "precondition_required", "version_mismatch"]
    problem_codes: ClassVar = {
        "get": ["permission_denied"],
        "patch": [*_changing, "already_exists"],
        "delete": [*_changing, "validation_error"],
    }
    field_codes: ClassVar = {"patch": described.OF_DOCUMENTS, "delete": described.OF_DOCUMENTS}

    @extend_schema(
        operation_id="read_policy_rule",
        tags=described.TAGS,
        summary="Read a rule of the access policy",
        parameters=[described.ENTITY_TAG],
        responses={200: shapes.PolicyRuleOutput},
        examples=[OpenApiExample("A rule", response_only=True, value=examples.RULE)],
    )
    def get(self, request: Request, rule_id: UUID) -> Response:
        """Read a rule."""
        del request
        row = policy_lists.rule(rule_id)
        return row_answer(shapes.rule_body(row), row.version)

    @extend_schema(
        operation_id="change_policy_rule",
        tags=described.TAGS,
        summary="Change a rule of the access policy",
        request=shapes.PolicyRuleChangeInput,
        parameters=[described.IF_MATCH, described.ENTITY_TAG, described.MADE_VERSION],
        responses={200: shapes.PolicyRuleOutput},
        examples=[
            OpenApiExample("Deny it", request_only=True, value={"effect": "deny", "reason": "ticket 4712"}),
            OpenApiExample("Changed", response_only=True, value={**examples.RULE, "effect": "deny", "version": 8}),
        ],
    )
    def patch(self, request: Request, rule_id: UUID) -> Response:
        """Change members of a rule that nobody changed since you read it.

        `hours` and `conditions` are replaced as a whole.
        """
        versions = versions_from(request.headers.get("If-Match"))
        given = validated(shapes.PolicyRuleChangeInput, request.data)
        with policy_change(author=author_of(request), reason=given["reason"], now=timezone.now()) as writer:
            row = writer.change_rule(rule_id, given["document"], versions=versions)
        return versioned(Response(shapes.rule_body(row)), writer.version, etag=row.version)

    @extend_schema(
        operation_id="delete_policy_rule",
        tags=described.TAGS,
        summary="Delete a rule of the access policy",
        request=None,
        parameters=[described.IF_MATCH, ReasonInput, described.MADE_VERSION],
        responses={204: None},
    )
    def delete(self, request: Request, rule_id: UUID) -> Response:
        """Delete a rule that nobody changed since you read it. A rollback brings it back."""
        return removal_answer(request, lambda writer, versions: writer.remove_rule(rule_id, versions=versions))
