"""``POST /admin/users/{id}/{action}``: a view for each operator action, made from the registry."""

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import openapi_examples
from accounts.api.base import AccountsAPIView, request_operator
from accounts.api.permissions import action_permission
from accounts.api.serializers.administration.users import AdminUserOutput, ReasonInput, action_input, values_of
from accounts.api.views.administration.users import (
    ENTITY_TAG,
    OPERATOR_STEP_UP,
    STEP_UP_CODES,
    find_user,
    user_response,
)
from accounts.services.administration.operator_action import OperatorAction, ValueKind
from accounts.services.administration.operator_actions import OPERATOR_ACTIONS
from cedrina_base import database_clock


class UserActionView(AccountsAPIView):
    """Does one operator action to an account. ``action`` and ``input_class`` are set by ``action_view``."""

    action: ClassVar[OperatorAction]
    input_class: ClassVar[type[ReasonInput]]
    step_up: ClassVar = {"post": OPERATOR_STEP_UP}
    problem_codes: ClassVar[dict[str, list[str]]] = {"post": ["permission_denied", *STEP_UP_CODES]}
    field_codes: ClassVar[dict[str, list[str]]] = {
        "post": ["required", "invalid", "blank", "max_length", "unknown_field"]
    }

    def get_permissions(self) -> list[Any]:
        return [*super().get_permissions(), action_permission(self.action.permission)()]

    def perform(self, request: Request, user_id: UUID) -> Response:
        """Do the action. The answer is the same when there was nothing to change."""
        body = self.input_class(data=request.data)
        body.is_valid(raise_exception=True)
        user = find_user(user_id)
        self.action.run(
            user=user,
            by=request_operator(request),
            reason=body.validated_data["reason"],
            now=database_clock.now(),
            **values_of(body.validated_data),
        )
        return Response(status=204) if self.action.erases else user_response(find_user(user_id))


def action_view(action: OperatorAction) -> type[UserActionView]:
    """Return the view of an action, described in the OpenAPI document by the action's own texts."""
    input_class = action_input(action)
    examples = [OpenApiExample("Why", request_only=True, value=_example_of(action))]
    if not action.erases:
        examples.append(OpenApiExample("The person", response_only=True, value=openapi_examples.ADMIN_USER))

    @extend_schema(
        operation_id=f"{action.name.replace('-', '_')}_user",
        tags=["administration"],
        summary=action.title,
        description=action.description,
        request=input_class,
        parameters=[] if action.erases else [ENTITY_TAG],
        responses={204: None} if action.erases else {200: AdminUserOutput},
        examples=examples,
    )
    def post(self: UserActionView, request: Request, user_id: UUID) -> Response:
        return self.perform(request, user_id)

    name = f"{action.name.title().replace('-', '')}View"
    return type(name, (UserActionView,), {"action": action, "input_class": input_class, "post": post})


def _example_of(action: OperatorAction) -> dict[str, object]:
    example: dict[str, object] = {"reason": "asked for by telephone, identity checked"}
    for value in action.values:
        first = value.choices[0][0] if value.choices else "Lisbon"
        kinds: dict[ValueKind, object] = {ValueKind.CHOICES: [first], ValueKind.BOOLEAN: True}
        example[value.name] = kinds.get(value.kind, first)
    return example


ACTION_VIEWS: Mapping[str, type[UserActionView]] = {
    name: action_view(action) for name, action in OPERATOR_ACTIONS.items() if action.is_in_api
}
