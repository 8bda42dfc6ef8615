"""The sessions of the authenticated user."""

from typing import TYPE_CHECKING, ClassVar, cast
from uuid import UUID

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from cedrina_base import database_clock
from cedrina_base.content_language import set_content_language
from tokens import selectors
from tokens.api import examples, response_bodies
from tokens.api.base import TokensAPIView
from tokens.api.permissions import HasAccessToken
from tokens.api.serializers.sessions import PageInput, RevokedOutput, SessionListOutput
from tokens.api.step_up import no_step_up
from tokens.end_reasons import ENDED_BY_OWNER
from tokens.errors import SessionNotFound
from tokens.services import revocation

if TYPE_CHECKING:
    from tokens.types import Principal


class SessionListView(TokensAPIView):
    """The living sessions of the person who asks."""

    event_loop_methods = frozenset({"GET", "DELETE"})
    permission_classes = [HasAccessToken]
    problem_codes: ClassVar = {"get": ["validation_error"]}
    step_up: ClassVar = {"delete": no_step_up("in a hurry, nobody should have to look for a password first")}

    @extend_schema(
        operation_id="list_sessions",
        tags=["sessions"],
        summary="List your sessions",
        parameters=[PageInput],
        responses={200: SessionListOutput},
        examples=[OpenApiExample("One", value={"results": [examples.SESSION], "next": None}, response_only=True)],
    )
    def get(self, request: Request) -> Response:
        """List the sessions that could still act, the newest sign-in first."""
        principal = cast("Principal", request.auth)
        page = PageInput(data=request.query_params.dict())
        page.is_valid(raise_exception=True)
        found = selectors.live_sessions_page(
            user_id=principal.user_id,
            before=page.validated_data.get("cursor"),
            limit=page.validated_data["limit"],
            now=database_clock.now(),
        )
        shown = [response_bodies.session_body(row, current_id=principal.session_id) for row in found.sessions]
        following = found.sessions[-1].pk.hex if found.has_more else None
        return set_content_language(Response({"results": shown, "next": following}))  # device names are translated

    @extend_schema(
        operation_id="end_other_sessions",
        tags=["sessions"],
        summary="End all other sessions",
        request=None,
        responses={200: RevokedOutput},
        examples=[OpenApiExample("Two ended", value={"revoked": 2}, response_only=True)],
    )
    def delete(self, request: Request) -> Response:
        """End every session of the person but this one."""
        principal = cast("Principal", request.auth)
        revoked = revocation.end_sessions(
            user_id=principal.user_id,
            reason=ENDED_BY_OWNER,
            keep_session_id=principal.session_id,
            now=database_clock.now(),
        )
        return Response({"revoked": revoked})


class SessionView(TokensAPIView):
    """One session of the person who asks."""

    permission_classes = [HasAccessToken]
    step_up: ClassVar = {"delete": no_step_up("in a hurry, nobody should have to look for a password first")}

    @extend_schema(
        operation_id="end_session", tags=["sessions"], summary="End a session", request=None, responses={204: None}
    )
    def delete(self, request: Request, session_id: UUID) -> Response:
        """End one session; its tokens die at once."""
        principal = cast("Principal", request.auth)
        if not revocation.end_session(
            session_id=session_id, user_id=principal.user_id, reason=ENDED_BY_OWNER, now=database_clock.now()
        ):
            raise SessionNotFound(session_id=session_id)
        return Response(status=status.HTTP_204_NO_CONTENT)
