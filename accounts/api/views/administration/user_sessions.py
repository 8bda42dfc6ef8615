"""``/admin/users/{id}/sessions``: read and end the sessions of somebody else."""

from typing import Any, ClassVar, cast
from uuid import UUID

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import AccountsAPIView, request_operator
from accounts.api.permissions import action_permission
from accounts.api.serializers.administration.users import SessionEndInput
from accounts.api.views.administration.users import OPERATOR_STEP_UP, STEP_UP_CODES, find_user
from accounts.errors import NotFound
from accounts.services.administration import account_status
from cedrina_base import database_clock
from cedrina_base.content_language import set_content_language
from tokens import selectors
from tokens.api import examples, response_bodies
from tokens.api.serializers.sessions import PageInput, SessionListOutput
from tokens.api.step_up import no_step_up


class UserSessionsView(AccountsAPIView):
    """The living sessions of an account."""

    permission_classes = [action_permission("sessions:read")]
    step_up: ClassVar = {"get": no_step_up("operators must find an intruder's session at once")}
    problem_codes: ClassVar[dict[str, list[str]]] = {"get": ["permission_denied", "validation_error"]}
    field_codes: ClassVar[dict[str, list[str]]] = {"get": ["invalid", "blank", "unknown_field"]}

    @extend_schema(
        operation_id="list_user_sessions",
        tags=["administration"],
        parameters=[PageInput],
        responses={200: SessionListOutput},
        examples=[OpenApiExample("One", value={"results": [examples.SESSION], "next": None}, response_only=True)],
    )
    def get(self, request: Request, user_id: UUID) -> Response:
        """List the open sessions, the newest sign-in first."""
        query = PageInput(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        found = selectors.live_sessions_page(
            user_id=find_user(user_id).pk,
            before=query.validated_data.get("cursor"),
            limit=query.validated_data["limit"],
            now=database_clock.now(),
        )
        current_id = cast("Any", getattr(request.auth, "session_id", None))
        shown = [response_bodies.session_body(row, current_id=current_id) for row in found.sessions]
        following = found.sessions[-1].pk.hex if found.has_more else None
        return set_content_language(Response({"results": shown, "next": following}))  # device names are translated


class UserSessionView(AccountsAPIView):
    """One session of an account."""

    permission_classes = [action_permission("sessions:end")]
    step_up: ClassVar = {"delete": OPERATOR_STEP_UP}
    problem_codes: ClassVar[dict[str, list[str]]] = {
        "delete": ["permission_denied", "not_found", "validation_error", *STEP_UP_CODES]
    }
    field_codes: ClassVar[dict[str, list[str]]] = {"delete": ["invalid", "blank", "max_length", "unknown_field"]}

    @extend_schema(
        operation_id="end_user_session",
        tags=["administration"],
        request=None,
        parameters=[SessionEndInput],
        responses={204: None},
    )
    def delete(self, request: Request, user_id: UUID, session_id: UUID) -> Response:
        """End one session; its tokens die at once, and the person is mailed."""
        query = SessionEndInput(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        is_ended = account_status.end_session(
            session_id=session_id,
            user=find_user(user_id),
            by=request_operator(request),
            reason=query.validated_data.get("reason", ""),
            now=database_clock.now(),
        )
        if not is_ended:
            raise NotFound
        return Response(status=204)
