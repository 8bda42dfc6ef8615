"""``/admin/roles``: the roles of the policy."""

from typing import Any, ClassVar

from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import policy_lists
from accounts.access.api import described, examples
from accounts.access.api.base import AccessAPIView, author_of, versioned
from accounts.access.api.document_answers import page_answer, removal_answer, row_answer
from accounts.access.api.serializers import roles as shapes
from accounts.access.api.serializers.fields import ReasonInput, validated
from accounts.access.errors import RuleInvalid
from accounts.access.permission_types import CHANGE_POLICIES, READ_POLICIES
from accounts.access.services.policy_changes import policy_change
from cedrina_base.preconditions import versions_from

_IF_MATCH_OF_PUT = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    description="The ETag read, to change a role that exists; left out for a new one.",
)


class RolesView(AccessAPIView):
    """All roles."""

    needed_permissions: ClassVar = {"get": READ_POLICIES.name}
    problem_codes: ClassVar = {"get": ["permission_denied", "validation_error"]}
    field_codes: ClassVar = {"get": described.OF_PAGES}

    @extend_schema(
        operation_id="list_roles",
        tags=described.TAGS,
        summary="List roles",
        parameters=[shapes.RolePageInput, described.ENTITY_TAG],
        responses={200: shapes.RoleListOutput},
        examples=[
            OpenApiExample("One", response_only=True, value={"results": [examples.ROLE], "next": None, "version": 7})
        ],
    )
    def get(self, request: Request) -> Response:
        """List the roles by name.

        Each permission is a role of the same name, too; those are not listed.
        """
        page = validated(shapes.RolePageInput, request.query_params.dict())

        def read() -> tuple[list[dict[str, Any]], str | None]:
            found = policy_lists.roles_page(after=page.get("cursor", ""), limit=page["limit"])
            return [shapes.role_body(row) for row in found.rows], found.next

        return page_answer(read)


class RoleView(AccessAPIView):
    """One role."""

    needed_permissions: ClassVar = {
        "get": READ_POLICIES.name,
        "put": CHANGE_POLICIES.name,
        "delete": CHANGE_POLICIES.name,
    }
    _changing: ClassVar = [*described.STEP_UP_CODES, "precondition_required", "version_mismatch"]
    problem_codes: ClassVar = {
        "get": ["permission_denied"],
        "put": _changing,
        "delete": [*_changing, "already_in_use", "validation_error"],
    }
    field_codes: ClassVar = {"put": described.OF_DOCUMENTS, "delete": described.OF_DOCUMENTS}

    @extend_schema(
        operation_id="read_role",
        tags=described.TAGS,
        summary="Read a role",
        parameters=[described.ENTITY_TAG],
        responses={200: shapes.RoleOutput},
        examples=[OpenApiExample("A role", response_only=True, value=examples.ROLE)],
    )
    def get(self, request: Request, name: str) -> Response:
        """Read a role."""
        del request
        row = policy_lists.role(name)
        return row_answer(shapes.role_body(row), row.version)

    @extend_schema(
        operation_id="store_role",
        tags=described.TAGS,
        summary="Store a role",
        request=shapes.RoleInput,
        parameters=[_IF_MATCH_OF_PUT, described.ENTITY_TAG, described.MADE_VERSION],
        responses={200: shapes.RoleOutput, 201: shapes.RoleOutput},
        examples=[
            OpenApiExample("A role", request_only=True, value=examples.NEW_ROLE),
            OpenApiExample("Stored", response_only=True, value=examples.ROLE, status_codes=["200", "201"]),
        ],
    )
    def put(self, request: Request, name: str) -> Response:
        """Make a role, or replace one that nobody changed since you read it.

        A role has all that its parents have. Names have small letters, digits, `-` and `_`.
        """
        if_match = request.headers.get("If-Match")
        versions = None if if_match is None else versions_from(if_match)
        given = validated(shapes.RoleInput, request.data)
        now = timezone.now()
        with policy_change(author=author_of(request), reason=given["reason"], now=now) as writer:
            document = _document(name, given["document"])
            row = writer.put_role(name, document, versions=versions, is_new=if_match is None)
        status = 201 if row.created_at == now else 200
        return versioned(Response(shapes.role_body(row), status=status), writer.version, etag=row.version)

    @extend_schema(
        operation_id="delete_role",
        tags=described.TAGS,
        summary="Delete a role",
        request=None,
        parameters=[described.IF_MATCH, ReasonInput, described.MADE_VERSION],
        responses={204: None},
    )
    def delete(self, request: Request, name: str) -> Response:
        """Delete a role that nobody has and that no rule and no other role names."""
        return removal_answer(request, lambda writer, versions: writer.remove_role(name, versions=versions))


def _document(name: str, given: dict[str, Any]) -> dict[str, Any]:
    """Return a role without the name that the path says. Raises: RuleInvalid."""
    if given.get("name", name) != name:
        raise RuleInvalid("name", _("This is not the name in the path."))
    return {member: value for member, value in given.items() if member != "name"}
