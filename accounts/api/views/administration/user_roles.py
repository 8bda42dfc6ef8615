"""``/admin/users/{id}/roles``: read the roles of a person, give and take them."""

from typing import ClassVar
from uuid import UUID

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access.api.base import versioned
from accounts.access.api.described import MADE_VERSION
from accounts.api.base import request_operator
from accounts.api.serializers.administration import user_roles as shapes
from accounts.api.serializers.administration.users import ReasonInput
from accounts.api.views.administration import given_roles
from accounts.api.views.administration.given_roles import FIELD_CODES, GivenRolesAPIView
from accounts.api.views.administration.users import OPERATOR_STEP_UP, STEP_UP_CODES, find_user
from accounts.errors import DetailsInvalid
from accounts.rules.subject_facts import USER
from accounts.services.administration import role_grants
from accounts.services.administration.operator_proofs import is_open
from accounts.types import FieldProblem
from cedrina_base import database_clock


class UserRolesView(GivenRolesAPIView):
    """All roles of a person."""

    read_permission = "users:read"
    problem_codes: ClassVar[dict[str, list[str]]] = {"get": ["permission_denied"]}

    @extend_schema(
        operation_id="list_user_roles",
        tags=["administration"],
        summary="List the roles of a person",
        request=None,
        responses={200: shapes.GrantListOutput},
        examples=given_roles.LIST_EXAMPLES,
    )
    def get(self, request: Request, user_id: UUID) -> Response:
        """List the roles that a person was given, by name.

        Those that have ended are shown, too, with `is_in_force` false. What they inherit is said by the roles.
        """
        del request
        return given_roles.grants_answer(_subject(user_id), now=database_clock.now())


class UserRoleView(GivenRolesAPIView):
    """One role of a person."""

    read_permission = "users:read"
    step_up: ClassVar = {"put": OPERATOR_STEP_UP, "delete": OPERATOR_STEP_UP}
    problem_codes: ClassVar[dict[str, list[str]]] = {
        "get": ["permission_denied"],
        "put": ["permission_denied", "separation_of_duty", *STEP_UP_CODES],
        "delete": ["permission_denied", "validation_error", *STEP_UP_CODES],
    }
    field_codes: ClassVar[dict[str, list[str]]] = {"put": FIELD_CODES, "delete": FIELD_CODES}

    @extend_schema(
        operation_id="read_user_role",
        tags=["administration"],
        summary="Read a role of a person",
        request=None,
        responses={200: shapes.GrantOutput},
        examples=given_roles.READ_EXAMPLES,
    )
    def get(self, request: Request, user_id: UUID, role: str) -> Response:
        """Read a role of a person: until when it lasts, who gave it, and why."""
        del request
        grant = given_roles.find_grant(_subject(user_id), role)
        return Response(shapes.grant_body(grant, now=database_clock.now()))

    @extend_schema(
        operation_id="give_user_role",
        tags=["administration"],
        summary="Give a role to a person",
        request=shapes.GrantInput,
        parameters=[MADE_VERSION],
        responses={200: shapes.GrantChangeOutput},
        examples=given_roles.GIVE_EXAMPLES,
    )
    def put(self, request: Request, user_id: UUID, role: str) -> Response:
        """Give a role to a person, or another end to one that they have; without `expires_at` it has none.

        You can give what you have yourself, to others, for as long as you have it. A permission is a role of its name.
        """
        now = database_clock.now()
        gift = given_roles.gift_of(request, now=now)
        user = find_user(user_id)
        if not is_open(user):
            sentence = _("This account is closed. Open it before you give it a role.")
            raise DetailsInvalid([FieldProblem("non_field_errors", "invalid", sentence)])
        version = role_grants.grant_role(user=user, role=role, by=request_operator(request), now=now, **gift)
        return given_roles.given_answer(_subject(user_id), role, version=version, now=now)

    @extend_schema(
        operation_id="take_user_role",
        tags=["administration"],
        summary="Take a role from a person",
        request=None,
        parameters=[ReasonInput, MADE_VERSION],
        responses={204: None},
    )
    def delete(self, request: Request, user_id: UUID, role: str) -> Response:
        """Take a role from a person. If it gives permissions, all their sessions end, and they are mailed."""
        reason = given_roles.reason_of(request)
        version = role_grants.revoke_role(
            user=find_user(user_id),
            role=role,
            by=request_operator(request),
            reason=reason,
            now=database_clock.now(),
        )
        return versioned(Response(status=204), version)


def _subject(user_id: UUID) -> str:
    return f"{USER}{find_user(user_id).pk}"
