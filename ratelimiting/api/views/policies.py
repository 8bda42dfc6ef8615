"""The API of policies: read, change and restore them."""

from typing import ClassVar
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from cedrina_base.preconditions import versions_from
from ratelimiting import selectors
from ratelimiting.api import examples
from ratelimiting.api.base import RateLimitingAPIView
from ratelimiting.api.serializers import policies as shapes
from ratelimiting.models import RateLimitPolicy
from ratelimiting.services import active_policies, policies
from ratelimiting.types import Author

ENTITY_TAG = OpenApiParameter(
    "ETag", str, OpenApiParameter.HEADER, response=[200, 201], description="The version, to be sent back in If-Match."
)
IF_MATCH = OpenApiParameter("If-Match", str, OpenApiParameter.HEADER, required=True, description="The ETag read.")
OF_MEMBERS = ["blank", "invalid", "max_length", "unknown_field"]


class PoliciesView(RateLimitingAPIView):
    """All policies."""

    problem_codes: ClassVar = {
        "get": ["permission_denied", "validation_error"],
        "post": ["permission_denied", "already_exists"],
    }
    field_codes: ClassVar = {
        "get": ["invalid", "blank", "max_length", "unknown_field"],
        "post": ["required", *OF_MEMBERS],
    }

    @extend_schema(
        operation_id="list_rate_limit_policies",
        tags=["administration"],
        summary="List rate limit policies",
        parameters=[shapes.PolicyPageInput, ENTITY_TAG],
        responses={200: shapes.PolicyListOutput},
        examples=[
            OpenApiExample("One", response_only=True, value={"results": [examples.POLICY_IN_FORCE], "next": None})
        ],
    )
    def get(self, request: Request) -> Response:
        """List the policies in force by name, with the source of each; the ETag is the version of them all."""
        page = shapes.PolicyPageInput(data=request.query_params.dict())
        page.is_valid(raise_exception=True)
        given = page.validated_data
        found = active_policies.page(after=given.get("cursor", ""), limit=given["limit"])
        results = shapes.EffectivePolicyOutput(found.policies, many=True).data
        return Response({"results": results, "next": found.next}, headers={"ETag": f'"{found.version}"'})

    @extend_schema(
        operation_id="create_rate_limit_policy",
        tags=["administration"],
        summary="Create a rate limit policy",
        request=shapes.PolicyInput,
        parameters=[ENTITY_TAG],
        responses={201: shapes.PolicyOutput},
        examples=[
            OpenApiExample("A policy", request_only=True, value=examples.NEW_POLICY),
            OpenApiExample("Stored", response_only=True, value=examples.POLICY),
        ],
    )
    def post(self, request: Request) -> Response:
        """Store a policy, in the place of one of its name that is shipped or stands in the environment."""
        body = shapes.PolicyInput(data=request.data)
        body.is_valid(raise_exception=True)
        row = policies.create(**body.validated_data, author=_author(request), now=timezone.now())
        return _answer(row, status=201)


class PolicyView(RateLimitingAPIView):
    """One stored policy."""

    _changing: ClassVar = ["permission_denied", "precondition_required", "version_mismatch"]
    problem_codes: ClassVar = {
        "get": ["permission_denied"],
        "patch": [*_changing, "already_exists"],
        "delete": [*_changing, "validation_error"],
    }
    field_codes: ClassVar = {"patch": ["required", *OF_MEMBERS], "delete": ["required", *OF_MEMBERS]}

    @extend_schema(
        operation_id="read_rate_limit_policy",
        tags=["administration"],
        summary="Read a rate limit policy",
        parameters=[ENTITY_TAG],
        responses={200: shapes.PolicyOutput},
        examples=[OpenApiExample("Stored", response_only=True, value=examples.POLICY)],
    )
    def get(self, request: Request, policy_id: UUID) -> Response:
        """Read a stored policy."""
        return _answer(selectors.stored_policy(policy_id=policy_id))

    @extend_schema(
        operation_id="change_rate_limit_policy",
        tags=["administration"],
        summary="Change a rate limit policy",
        request=shapes.PolicyChangeInput,
        parameters=[ENTITY_TAG, IF_MATCH],
        responses={200: shapes.PolicyOutput},
        examples=[
            OpenApiExample("Try it out first", request_only=True, value={"mode": "shadow", "reason": "false alarms"}),
            OpenApiExample("Stored", response_only=True, value=examples.POLICY),
        ],
    )
    def patch(self, request: Request, policy_id: UUID) -> Response:
        """Change members of a policy, if nobody changed it since you read it. Every process follows within 2 s."""
        versions = versions_from(request.headers.get("If-Match"))
        body = shapes.PolicyChangeInput(data=request.data)
        body.is_valid(raise_exception=True)
        row = policies.change(
            policy_id=policy_id,
            **body.validated_data,
            versions=versions,
            author=_author(request),
            now=timezone.now(),
        )
        return _answer(row)

    @extend_schema(
        operation_id="delete_rate_limit_policy",
        tags=["administration"],
        summary="Delete a rate limit policy",
        request=None,
        parameters=[IF_MATCH, shapes.ReasonInput],
        responses={204: None},
    )
    def delete(self, request: Request, policy_id: UUID) -> Response:
        """Remove a stored policy; one of its name that is shipped or stands in the environment applies again."""
        versions = versions_from(request.headers.get("If-Match"))
        query = shapes.ReasonInput(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        policies.delete(
            policy_id=policy_id,
            **query.validated_data,
            versions=versions,
            author=_author(request),
            now=timezone.now(),
        )
        return Response(status=204)


class VersionsView(RateLimitingAPIView):
    """What was changed, by whom and why."""

    problem_codes: ClassVar = {"get": ["permission_denied", "validation_error"]}
    field_codes: ClassVar = {"get": ["invalid", "blank", "max_length", "unknown_field"]}

    @extend_schema(
        operation_id="list_rate_limit_policy_versions",
        tags=["administration"],
        summary="List versions of the rate limit policies",
        parameters=[shapes.VersionPageInput],
        responses={200: shapes.VersionListOutput},
        examples=[
            OpenApiExample("One", response_only=True, value={"results": [examples.POLICY_VERSION], "next": None})
        ],
    )
    def get(self, request: Request) -> Response:
        """List the versions of the stored policies, the newest first."""
        page = shapes.VersionPageInput(data=request.query_params.dict())
        page.is_valid(raise_exception=True)
        limit = page.validated_data["limit"]
        rows = selectors.versions_page(before=page.validated_data.get("cursor"), limit=limit)
        following = str(rows[limit - 1].number) if len(rows) > limit else None
        return Response({"results": shapes.VersionOutput(rows[:limit], many=True).data, "next": following})


class RollbackView(RateLimitingAPIView):
    """Restore all stored policies as they were in a version."""

    problem_codes: ClassVar = {"post": ["permission_denied", "not_found", "version_mismatch"]}
    field_codes: ClassVar = {"post": ["required", *OF_MEMBERS]}

    @extend_schema(
        operation_id="roll_rate_limit_policies_back",
        tags=["administration"],
        summary="Restore a version of the rate limit policies",
        request=shapes.RollbackInput,
        parameters=[
            OpenApiParameter("If-Match", str, OpenApiParameter.HEADER, description="The ETag of the list of policies.")
        ],
        responses={200: shapes.VersionOutput},
        examples=[
            OpenApiExample("To the first", request_only=True, value={"version": 1, "reason": "too strict"}),
            OpenApiExample("A new version", response_only=True, value=examples.POLICY_VERSION),
        ],
    )
    def post(self, request: Request) -> Response:
        """Make all stored policies as they were in a version, as a new version; version 0 is none at all."""
        given = request.headers.get("If-Match")
        versions = None if given is None else versions_from(given)
        body = shapes.RollbackInput(data=request.data)
        body.is_valid(raise_exception=True)
        version = policies.rollback(
            number=body.validated_data["version"],
            versions=versions,
            author=_author(request),
            reason=body.validated_data["reason"],
            now=timezone.now(),
        )
        return Response(shapes.VersionOutput(version).data)


def _author(request: Request) -> Author:
    return Author(id=str(request.user.pk), name=request.user.get_username())


def _answer(row: RateLimitPolicy, *, status: int = 200) -> Response:
    return Response(shapes.PolicyOutput(row).data, status=status, headers={"ETag": f'"{row.version}"'})
