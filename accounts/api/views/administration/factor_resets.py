"""``GET /admin/users/{id}/second-factor-reset``: the reset that waits, or how the last one ended.

It is requested and withdrawn by the operator actions ``reset-second-factor`` and ``withdraw-second-factor-reset``.
"""

from typing import ClassVar
from uuid import UUID

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import selectors
from accounts.api.base import AccountsAPIView
from accounts.api.permissions import action_permission
from accounts.api.response_bodies import latest_reset_body
from accounts.api.serializers.factors.factor_outputs import LatestResetOutput
from accounts.api.views.administration.users import find_user


class FactorResetView(AccountsAPIView):
    """The last reset of somebody's second factors."""

    permission_classes = [action_permission("users:read")]
    problem_codes: ClassVar[dict[str, list[str]]] = {"get": ["permission_denied"]}

    @extend_schema(
        operation_id="read_second_factor_reset",
        tags=["administration"],
        request=None,
        responses={200: LatestResetOutput},
        examples=[
            OpenApiExample(
                "One that the person has stopped",
                response_only=True,
                value={
                    "reset": {
                        "requested_at": "2026-01-05T10:00:00Z",
                        "due_at": "2026-01-08T10:00:00Z",
                        "closed_at": "2026-01-05T18:30:00Z",
                        "outcome": "stopped",
                    }
                },
            ),
            OpenApiExample("None was requested in the last month", response_only=True, value={"reset": None}),
        ],
    )
    def get(self, request: Request, user_id: UUID) -> Response:
        """Read the last reset of second factors.

        `outcome` is null while it waits.
        """
        return Response(latest_reset_body(selectors.latest_reset(user_id=find_user(user_id).pk)))
