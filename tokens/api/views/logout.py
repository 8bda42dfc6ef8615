"""Sign out."""

from typing import TYPE_CHECKING, ClassVar, cast

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from cedrina_base import database_clock
from tokens.api.authentication import SignedTokenAuthentication
from tokens.api.base import TokensAPIView
from tokens.api.permissions import HasAccessToken
from tokens.api.serializers.tokens import LogoutInput
from tokens.api.step_up import no_step_up
from tokens.errors import SessionRevoked
from tokens.services import revocation, verification

if TYPE_CHECKING:
    from tokens.types import AccessClaims


class LogoutView(TokensAPIView):
    """End this session, or with `all` every session of the person. Access and refresh tokens die at once."""

    event_loop_methods = frozenset({"POST"})
    authentication_classes = [SignedTokenAuthentication]
    permission_classes = [HasAccessToken]
    step_up: ClassVar = {"post": no_step_up("whoever holds a session may end it, and its siblings")}
    problem_codes: ClassVar = {
        "post": ["authentication_required", "invalid_token", "token_expired", "session_revoked", "session_expired"],
    }

    @extend_schema(
        operation_id="logout",
        tags=["sign-in"],
        summary="Sign out",
        request=LogoutInput,
        responses={204: None},
        examples=[OpenApiExample("Everywhere", value={"all": True}, request_only=True)],
    )
    def post(self, request: Request) -> Response:
        everywhere = False
        if request.data:  # as a rule it is empty, and a serializer takes 100 µs of CPU
            body = LogoutInput(data=request.data)
            body.is_valid(raise_exception=True)
            everywhere = body.validated_data["all"]
        claims = cast("AccessClaims", request.auth)
        now = database_clock.now()
        if not revocation.log_out(claims=claims, everywhere=everywhere, now=now):
            verification.authenticate_claims(claims=claims, now=now)  # raises the reason for which nothing ended
            raise SessionRevoked(session_id=claims.session_id)
        return Response(status=status.HTTP_204_NO_CONTENT)
