"""Refresh tokens."""

from typing import ClassVar

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request

from cedrina_base import database_clock
from cedrina_base.frequent_views import Answer, answer
from cedrina_base.strict_serializers import sole_text
from tokens.api import examples, response_bodies
from tokens.api.base import TokensAPIView
from tokens.api.client import client_context
from tokens.api.refresh_tokens import refresh_claims
from tokens.api.serializers.tokens import LONGEST_TOKEN, RefreshInput, TokenPairOutput
from tokens.services import rotation


class RefreshView(TokensAPIView):
    """Exchange a refresh token for a new pair.

    Every refresh token has one successor. When the reply was lost, or several tabs of one client ask at once, the same
    successor is given again. Unless the settings say otherwise, a lost reply is forgiven for ten tokens in a row, and
    for two of them to another client than the one that has the successor. A token that comes back beyond that, or after
    its successor was used, was copied, and the session ends.
    """

    event_loop_methods = frozenset({"POST"})
    authentication_classes = []
    permission_classes = [AllowAny]
    problem_codes: ClassVar = {
        "post": ["invalid_token", "session_revoked", "session_expired", "refresh_token_reused"],
    }

    @extend_schema(
        operation_id="refresh",
        tags=["sign-in"],
        summary="Exchange a refresh token",
        request=RefreshInput,
        responses={200: TokenPairOutput},
        examples=[
            OpenApiExample("A refresh token", value={"refresh_token": examples.REFRESH_TOKEN}, request_only=True),
            OpenApiExample("Its successor", value=examples.TOKENS, response_only=True),
        ],
    )
    def post(self, request: Request) -> Answer:
        presented = sole_text(request.data, "refresh_token", max_length=LONGEST_TOKEN)
        if presented is None:
            body = RefreshInput(data=request.data)
            body.is_valid(raise_exception=True)
            presented = body.validated_data["refresh_token"]
        claims = refresh_claims(request, presented)
        pair = rotation.rotate_claims(claims=claims, client=client_context(request), now=database_clock.now())
        return answer(self, request, response_bodies.token_response_body(pair))
