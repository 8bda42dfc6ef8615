"""``/admin/users``: list, read, create and change accounts."""

from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import user_lists
from accounts.access.api.idempotency import IDEMPOTENCY_PARAMETER, IDEMPOTENCY_PROBLEMS, once
from accounts.access.services.idempotency import Made
from accounts.api import openapi_examples
from accounts.api.base import AccountsAPIView, request_operator
from accounts.api.permissions import action_permission
from accounts.api.response_bodies import admin_user_bodies, entity_tag
from accounts.api.serializers.administration import users as shapes
from accounts.errors import NotFound
from accounts.models import User
from accounts.services.administration import invitations, person_changes
from cedrina_base import database_clock
from cedrina_base.preconditions import versions_from
from tokens.api.step_up import RequiredFactor, requires

ENTITY_TAG = OpenApiParameter(
    "ETag", str, OpenApiParameter.HEADER, response=[200, 201], description="The version, to be sent back in If-Match."
)
IF_MATCH = OpenApiParameter("If-Match", str, OpenApiParameter.HEADER, required=True, description="The ETag read.")
OPERATOR_STEP_UP = requires(factor=RequiredFactor.SECOND)
STEP_UP_CODES = ("reauthentication_required", "step_up_required")


def find_user(user_id: UUID) -> User:
    """Return an account, deleted or not. Raises: NotFound."""
    user = user_lists.user(user_id=user_id)
    if user is None:
        raise NotFound
    return user


def user_response(user: User, *, status: int = 200) -> Response:
    """Return the response that shows an account to an operator."""
    (body,) = admin_user_bodies([user], now=database_clock.now())
    return Response(body, status=status, headers={"ETag": entity_tag(user)})


class UsersView(AccountsAPIView):
    """All accounts."""

    step_up: ClassVar = {"post": OPERATOR_STEP_UP}
    problem_codes: ClassVar[dict[str, list[str]]] = {
        "get": ["permission_denied", "validation_error"],
        "post": ["permission_denied", "username_taken", "email_taken", *IDEMPOTENCY_PROBLEMS, *STEP_UP_CODES],
    }
    field_codes: ClassVar[dict[str, list[str]]] = {
        "get": ["invalid", "blank", "max_length", "unknown_field"],
        "post": [
            "required",
            "invalid",
            "blank",
            "max_length",
            "unknown_field",
            "email_invalid",
            "username_invalid",
            "username_reserved",
            "idempotency_key_reused",
        ],
    }

    def get_permissions(self) -> list[Any]:
        action = "users:create" if self.request.method == "POST" else "users:read"
        return [*super().get_permissions(), action_permission(action)()]

    @extend_schema(
        operation_id="list_users",
        tags=["administration"],
        parameters=[shapes.UserPageInput],
        responses={200: shapes.AdminUserListOutput},
        examples=[
            OpenApiExample("One", response_only=True, value={"results": [openapi_examples.ADMIN_USER], "next": None})
        ],
    )
    def get(self, request: Request) -> Response:
        """List accounts, the newest first.

        Deleted accounts are listed with `is_deleted=true` only, until they are erased.
        """
        now = database_clock.now()
        query = shapes.UserPageInput(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        found = user_lists.page(**query.conditions(now=now))
        following = found.users[-1].pk.hex if found.has_more else None
        return Response({"results": admin_user_bodies(found.users, now=now), "next": following})

    @extend_schema(
        operation_id="create_user",
        tags=["administration"],
        request=shapes.NewPersonInput,
        parameters=[IDEMPOTENCY_PARAMETER, ENTITY_TAG],
        responses={201: shapes.AdminUserOutput},
        examples=[
            OpenApiExample(
                "Invited",
                request_only=True,
                value={"username": "mina", "email": "mina@example.com", "locale": "en", "reason": "new colleague"},
            ),
            OpenApiExample("A person", response_only=True, value=openapi_examples.ADMIN_USER, status_codes=["201"]),
        ],
    )
    def post(self, request: Request) -> Response:
        """Create a person and mail them a link to choose a password; with `invite` false nothing is mailed.

        A call that is repeated creates nobody twice: it answers `username_taken`, or with the same `Idempotency-Key`
        as it did before, with the person as they are now.
        """
        body = shapes.NewPersonInput(data=request.data)
        body.is_valid(raise_exception=True)
        now = database_clock.now()

        def create() -> Made:
            user = invitations.create(
                person=body.new_person(),
                is_invited=body.validated_data["invite"],
                by=request_operator(request),
                reason=body.validated_data["reason"],
                now=now,
            )
            return Made(str(user.pk))

        return user_response(find_user(UUID(once(request, create, now=now).result)), status=201)


class UserView(AccountsAPIView):
    """One account."""

    step_up: ClassVar = {"patch": OPERATOR_STEP_UP}
    problem_codes: ClassVar[dict[str, list[str]]] = {
        "get": ["permission_denied"],
        "patch": ["permission_denied", "precondition_required", "version_mismatch", *STEP_UP_CODES],
    }
    field_codes: ClassVar[dict[str, list[str]]] = {
        "patch": ["required", "invalid", "blank", "max_length", "unknown_field"]
    }

    def get_permissions(self) -> list[Any]:
        action = "users:change" if self.request.method == "PATCH" else "users:read"
        return [*super().get_permissions(), action_permission(action)()]

    @extend_schema(
        operation_id="read_user",
        tags=["administration"],
        request=None,
        parameters=[ENTITY_TAG],
        responses={200: shapes.AdminUserOutput},
        examples=[OpenApiExample("A person", response_only=True, value=openapi_examples.ADMIN_USER)],
    )
    def get(self, request: Request, user_id: UUID) -> Response:
        """Read an account."""
        del request
        return user_response(find_user(user_id))

    @extend_schema(
        operation_id="change_user",
        tags=["administration"],
        request=shapes.AttributesInput,
        parameters=[ENTITY_TAG, IF_MATCH],
        responses={200: shapes.AdminUserOutput},
        examples=[
            OpenApiExample(
                "Another department", request_only=True, value={"department": "Sales", "reason": "moved in May"}
            ),
            OpenApiExample("A person", response_only=True, value=openapi_examples.ADMIN_USER),
        ],
    )
    def patch(self, request: Request, user_id: UUID) -> Response:
        """Change an account that nobody changed meanwhile.

        Members are the tier, the department, the location, the name and the language, whether the account is open, and
        whether the person is staff: all are changed or none.

        You can't change your own account by this call.
        """
        versions = versions_from(request.headers.get("If-Match"))
        body = shapes.AttributesInput(data=request.data)
        body.is_valid(raise_exception=True)
        person_changes.change(
            user=find_user(user_id),
            wanted=body.person_change(),
            versions=versions,
            by=request_operator(request),
            reason=body.validated_data["reason"],
            now=database_clock.now(),
        )
        return user_response(find_user(user_id))
