"""The policies of rate limiting: to be read, changed and taken back by administrators."""

from typing import Any, ClassVar
from uuid import UUID

from django.utils.encoding import force_str
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.exceptions import APIException, ErrorDetail, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import openapi_examples
from accounts.api.base import AccountsAPIView, request_user
from accounts.api.permissions import action_permission
from accounts.api.preconditions import versions_from
from accounts.api.response_bodies import format_timestamp
from accounts.api.serializers import rate_limits as shapes
from ratelimiting import selectors
from ratelimiting.callers import Author
from ratelimiting.errors import PolicyInvalid, RateLimitingError
from ratelimiting.models import PolicyVersion, RateLimitPolicy
from ratelimiting.services import policies, rules
from tokens.api.step_up import RequiredFactor, no_step_up, requires

STATUS = {"not_found": 404, "already_exists": 409, "version_mismatch": 412}
ENTITY_TAG = OpenApiParameter(
    "ETag", str, OpenApiParameter.HEADER, response=[200, 201], description="The version, to be sent back in If-Match."
)
IF_MATCH = OpenApiParameter("If-Match", str, OpenApiParameter.HEADER, required=True, description="The ETag read.")
OF_MEMBERS = ["blank", "invalid", "max_length", "unknown_field"]


class RateLimitsAPIView(AccountsAPIView):
    """Turn the refusals of ``ratelimiting``, which knows no HTTP, into answers."""

    def get_permissions(self) -> list[Any]:
        action = "rate_limits:read" if self.request.method == "GET" else "rate_limits:change"
        return [*super().get_permissions(), action_permission(action)()]

    def handle_exception(self, exc: Exception) -> Response:
        return super().handle_exception(_as_api_exception(exc) if isinstance(exc, RateLimitingError) else exc)


def _as_api_exception(error: RateLimitingError) -> APIException:
    if isinstance(error, PolicyInvalid):
        found: dict[str, list[ErrorDetail]] = {}
        for fault in error.faults:
            found.setdefault(fault.member, []).append(ErrorDetail(f"{fault.member}: {fault.message}", code=fault.code))
        return ValidationError(found)
    exc = APIException(detail=force_str(error.message), code=error.code)
    exc.status_code = STATUS[error.code]
    return exc


class RateLimitPoliciesView(RateLimitsAPIView):
    """All policies."""

    step_up: ClassVar = {
        "get": no_step_up("limits are no secret to who may change them"),
        "post": requires(factor=RequiredFactor.SECOND),
    }
    problem_codes: ClassVar = {
        "get": ["permission_denied", "validation_error"],
        "post": ["permission_denied", "already_exists", "reauthentication_required", "step_up_required"],
    }
    field_codes: ClassVar = {
        "get": ["invalid", "blank", "max_length", "unknown_field"],
        "post": ["required", *OF_MEMBERS],
    }

    @extend_schema(
        operation_id="list_rate_limit_policies",
        tags=["administration"],
        parameters=[shapes.PolicyPageInput, ENTITY_TAG],
        responses={200: shapes.PolicyListOutput},
        examples=[
            OpenApiExample(
                "One", response_only=True, value={"results": [openapi_examples.POLICY_IN_FORCE], "next": None}
            )
        ],
    )
    def get(self, request: Request) -> Response:
        """List the policies in force by name, with the source of each; the ETag is the version of them all."""
        page = shapes.PolicyPageInput(data=request.query_params.dict())
        page.is_valid(raise_exception=True)
        version, limit = rules.refresh(), page.validated_data["limit"]
        found, stored = rules.current(), {row.name: row for row in RateLimitPolicy.objects.all()}
        names = sorted(name for name in found.policies if name > page.validated_data.get("cursor", ""))
        shown = [
            {
                **_document(stored.get(name)),
                **found.policies[name].document(),
                "source": found.sources[name],
            }
            for name in names[:limit]
        ]
        following = names[limit - 1] if len(names) > limit else None
        return Response({"results": shown, "next": following}, headers={"ETag": f'"{version}"'})

    @extend_schema(
        operation_id="create_rate_limit_policy",
        tags=["administration"],
        request=shapes.PolicyInput,
        parameters=[ENTITY_TAG],
        responses={201: shapes.PolicyOutput},
        examples=[
            OpenApiExample("A policy", request_only=True, value=openapi_examples.NEW_POLICY),
            OpenApiExample("Stored", response_only=True, value=openapi_examples.POLICY),
        ],
    )
    def post(self, request: Request) -> Response:
        """Store a policy, in the place of one of its name that is shipped or stands in the environment."""
        body = shapes.PolicyInput(data=request.data)
        body.is_valid(raise_exception=True)
        row = policies.create(document=body.document(), author=_author(request), reason=body.reason_given())
        return _answer(row, status=201)


class RateLimitPolicyView(RateLimitsAPIView):
    """One stored policy."""

    step_up: ClassVar = {
        "get": no_step_up("limits are no secret to who may change them"),
        "patch": requires(factor=RequiredFactor.SECOND),
        "delete": requires(factor=RequiredFactor.SECOND),
    }
    _changing: ClassVar = [
        "permission_denied",
        "precondition_required",
        "version_mismatch",
        "reauthentication_required",
        "step_up_required",
    ]
    problem_codes: ClassVar = {
        "get": ["permission_denied"],
        "patch": [*_changing, "already_exists"],
        "delete": [*_changing, "validation_error"],
    }
    field_codes: ClassVar = {"patch": ["required", *OF_MEMBERS], "delete": ["required", *OF_MEMBERS]}

    @extend_schema(
        operation_id="read_rate_limit_policy",
        tags=["administration"],
        parameters=[ENTITY_TAG],
        responses={200: shapes.PolicyOutput},
        examples=[OpenApiExample("Stored", response_only=True, value=openapi_examples.POLICY)],
    )
    def get(self, request: Request, policy_id: UUID) -> Response:
        """Read a stored policy."""
        return _answer(selectors.stored_policy(policy_id=policy_id))

    @extend_schema(
        operation_id="change_rate_limit_policy",
        tags=["administration"],
        request=shapes.PolicyChangeInput,
        parameters=[ENTITY_TAG, IF_MATCH],
        responses={200: shapes.PolicyOutput},
        examples=[
            OpenApiExample("Try it out first", request_only=True, value={"mode": "shadow", "reason": "false alarms"}),
            OpenApiExample("Stored", response_only=True, value=openapi_examples.POLICY),
        ],
    )
    def patch(self, request: Request, policy_id: UUID) -> Response:
        """Change members of a policy, if nobody changed it since you read it. Every process follows within 2 s."""
        versions = versions_from(request.headers.get("If-Match"))
        body = shapes.PolicyChangeInput(data=request.data)
        body.is_valid(raise_exception=True)
        row = policies.change(
            policy_id=policy_id,
            document=body.document(),
            versions=versions,
            author=_author(request),
            reason=body.reason_given(),
        )
        return _answer(row)

    @extend_schema(
        operation_id="delete_rate_limit_policy",
        tags=["administration"],
        request=None,
        parameters=[IF_MATCH, shapes.DeletionInput],
        responses={204: None},
    )
    def delete(self, request: Request, policy_id: UUID) -> Response:
        """Remove a stored policy; one of its name that is shipped or stands in the environment applies again."""
        versions = versions_from(request.headers.get("If-Match"))
        query = shapes.DeletionInput(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        policies.delete(
            policy_id=policy_id, versions=versions, author=_author(request), reason=query.validated_data["reason"]
        )
        return Response(status=204)


class RateLimitVersionsView(RateLimitsAPIView):
    """What was changed, by whom and why."""

    problem_codes: ClassVar = {"get": ["permission_denied", "validation_error"]}
    field_codes: ClassVar = {"get": ["invalid", "blank", "max_length", "unknown_field"]}

    @extend_schema(
        operation_id="list_rate_limit_policy_versions",
        tags=["administration"],
        parameters=[shapes.VersionPageInput],
        responses={200: shapes.VersionListOutput},
        examples=[
            OpenApiExample(
                "One", response_only=True, value={"results": [openapi_examples.POLICY_VERSION], "next": None}
            )
        ],
    )
    def get(self, request: Request) -> Response:
        """List the versions of the stored policies, the newest first."""
        page = shapes.VersionPageInput(data=request.query_params.dict())
        page.is_valid(raise_exception=True)
        limit = page.validated_data["limit"]
        rows = selectors.versions_page(before=page.validated_data.get("cursor"), limit=limit)
        following = str(rows[limit - 1].number) if len(rows) > limit else None
        return Response({"results": [_version(row) for row in rows[:limit]], "next": following})


class RateLimitRollbackView(RateLimitsAPIView):
    """The way back."""

    step_up: ClassVar = {"post": requires(factor=RequiredFactor.SECOND)}
    problem_codes: ClassVar = {
        "post": ["permission_denied", "not_found", "version_mismatch", "reauthentication_required", "step_up_required"]
    }
    field_codes: ClassVar = {"post": ["required", *OF_MEMBERS]}

    @extend_schema(
        operation_id="roll_rate_limit_policies_back",
        tags=["administration"],
        request=shapes.RollbackInput,
        parameters=[
            OpenApiParameter("If-Match", str, OpenApiParameter.HEADER, description="The ETag of the list of policies.")
        ],
        responses={200: shapes.VersionOutput},
        examples=[
            OpenApiExample("To the first", request_only=True, value={"version": 1, "reason": "too strict"}),
            OpenApiExample("A new version", response_only=True, value=openapi_examples.POLICY_VERSION),
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
        )
        return Response(_version(version))


def _author(request: Request) -> Author:
    person = request_user(request)
    return Author(id=str(person.pk), name=person.get_username())


def _answer(row: RateLimitPolicy, *, status: int = 200) -> Response:
    return Response(_document(row), status=status, headers={"ETag": f'"{row.version}"'})


def _document(row: RateLimitPolicy | None) -> dict[str, Any]:
    if row is None:
        return {"id": None, "version": None, "updated_at": None}
    return {"id": str(row.pk), **row.document(), "version": row.version, "updated_at": format_timestamp(row.updated_at)}


def _version(row: PolicyVersion) -> dict[str, Any]:
    return {
        "version": row.number,
        "change": row.change,
        "policy": row.policy,
        "author": row.author,
        "reason": row.reason,
        "created_at": format_timestamp(row.created_at),
    }
