"""``POST /admin/break-glass``: take all rights for minutes, in an emergency."""

from typing import ClassVar

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access.api.base import POLICY_VERSION
from accounts.access.permission_types import START_BREAK_GLASS
from accounts.api.base import AccountsAPIView, request_operator
from accounts.api.permissions import action_permission
from accounts.api.serializers.administration.break_glass import BreakGlassInput, BreakGlassOutput
from accounts.api.views.administration.users import OPERATOR_STEP_UP, STEP_UP_CODES
from accounts.services.administration import break_glass
from cedrina_base import database_clock


class BreakGlassView(AccountsAPIView):
    """All rights for minutes."""

    permission_classes = [action_permission(START_BREAK_GLASS.name)]
    step_up: ClassVar = {"post": OPERATOR_STEP_UP}
    problem_codes: ClassVar[dict[str, list[str]]] = {"post": ["permission_denied", *STEP_UP_CODES]}
    field_codes: ClassVar[dict[str, list[str]]] = {
        "post": ["required", "invalid", "blank", "max_length", "unknown_field"]
    }

    @extend_schema(
        operation_id="break_glass",
        tags=["administration"],
        summary="Take all rights for minutes",
        request=BreakGlassInput,
        parameters=[
            OpenApiParameter(
                POLICY_VERSION, int, OpenApiParameter.HEADER, response=[200], description="The version of the policy."
            )
        ],
        responses={200: BreakGlassOutput},
        examples=[
            OpenApiExample("Why", request_only=True, value={"reason": "a policy locks support out", "minutes": 15}),
            OpenApiExample("Until when", response_only=True, value={"ends_at": "2026-01-31T17:15:00Z", "version": 42}),
        ],
    )
    def post(self, request: Request) -> Response:
        """Let the caller do everything for some minutes, at most an hour.

        The event is of critical severity, and all administrators are mailed at once. It ends by itself.
        """
        body = BreakGlassInput(data=request.data)
        body.is_valid(raise_exception=True)
        user = request_operator(request)
        started = break_glass.start(user=user, by=user, now=database_clock.now(), **body.validated_data)
        return Response(
            {"ends_at": started.ends_at, "version": started.version},
            headers={POLICY_VERSION: str(started.version)},
        )
