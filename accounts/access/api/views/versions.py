"""``/admin/policies/versions`` and ``/admin/policies/rollback``: what was changed, and back to it."""

from typing import ClassVar

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import policy_lists
from accounts.access.api import described, examples
from accounts.access.api.base import AccessAPIView, author_of, versioned
from accounts.access.api.serializers import versions as shapes
from accounts.access.api.serializers.fields import MOST_DIGITS, NumberedPageInput, validated
from accounts.access.errors import VersionNotFound
from accounts.access.permission_types import CHANGE_POLICIES, READ_POLICIES
from accounts.access.services.policy_restoring import rollback
from cedrina_base.preconditions import versions_from


class PolicyVersionsView(AccessAPIView):
    """All versions of the policy."""

    needed_permissions: ClassVar = {"get": READ_POLICIES.name}
    problem_codes: ClassVar = {"get": ["permission_denied", "validation_error"]}
    field_codes: ClassVar = {"get": described.OF_PAGES}

    @extend_schema(
        operation_id="list_policy_versions",
        tags=described.TAGS,
        summary="List versions of the access policy",
        parameters=[NumberedPageInput],
        responses={200: shapes.PolicyVersionListOutput},
        examples=[OpenApiExample("One", response_only=True, value={"results": [examples.VERSION], "next": None})],
    )
    def get(self, request: Request) -> Response:
        """List the versions, the newest first: who changed rules, roles or grants, and why."""
        page = validated(NumberedPageInput, request.query_params.dict())
        found = policy_lists.versions_page(before=page.get("cursor"), limit=page["limit"])
        return Response({"results": [shapes.version_body(row) for row in found.rows], "next": found.next})


class PolicyVersionView(AccessAPIView):
    """One version of the policy."""

    needed_permissions: ClassVar = {"get": READ_POLICIES.name}
    problem_codes: ClassVar = {"get": ["permission_denied", "validation_error"]}
    field_codes: ClassVar = {"get": described.OF_PAGES}

    @extend_schema(
        operation_id="read_policy_version",
        tags=described.TAGS,
        summary="Read a version of the access policy",
        parameters=[NumberedPageInput],
        responses={200: shapes.PolicyVersionChangesOutput},
        examples=[
            OpenApiExample(
                "One change",
                response_only=True,
                value={**examples.VERSION, "changes": [examples.CHANGE], "next": None},
            )
        ],
    )
    def get(self, request: Request, number: str) -> Response:
        """Read a version with what it changed, before and after, page by page."""
        page = validated(NumberedPageInput, request.query_params.dict())
        row = policy_lists.version(_number(number))
        found = policy_lists.changes_page(row, after=page.get("cursor", 0), limit=page["limit"])
        return Response({**shapes.version_body(row), "changes": list(found.rows), "next": found.next})


class PolicyRollbackView(AccessAPIView):
    """Go back to a version."""

    needed_permissions: ClassVar = {"post": CHANGE_POLICIES.name}
    problem_codes: ClassVar = {"post": [*described.STEP_UP_CODES, "not_found", "already_in_use", "version_mismatch"]}
    field_codes: ClassVar = {"post": described.OF_DOCUMENTS}

    @extend_schema(
        operation_id="roll_policy_back",
        tags=described.TAGS,
        summary="Restore a version of the access policy",
        request=shapes.PolicyRollbackInput,
        parameters=[
            OpenApiParameter("If-Match", str, OpenApiParameter.HEADER, description="The ETag of the list of rules."),
            described.MADE_VERSION,
        ],
        responses={200: shapes.PolicyVersionOutput},
        examples=[
            OpenApiExample("To the sixth", request_only=True, value={"version": 6, "reason": "ticket 4713"}),
            OpenApiExample("A new version", response_only=True, value={**examples.VERSION, "restored": 6}),
        ],
    )
    def post(self, request: Request) -> Response:
        """Make all rules and roles as they were in a version, as a new version.

        Who has which role stays as it is: what was taken from a person does not come back.
        """
        if_match = request.headers.get("If-Match")
        versions = None if if_match is None else versions_from(if_match)
        given = validated(shapes.PolicyRollbackInput, request.data)
        made = rollback(
            number=given["version"],
            versions=versions,
            author=author_of(request),
            reason=given["reason"],
            now=timezone.now(),
        )
        return versioned(Response(shapes.version_body(policy_lists.version(made))), made)


def _number(text: str) -> int:
    """Return the number of a version. Raises: VersionNotFound, for what can be none."""
    if not (text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS):
        raise VersionNotFound
    return int(text)
