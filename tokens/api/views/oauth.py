"""Token introspection (RFC 7662) and revocation (RFC 7009)."""

from typing import ClassVar

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from cedrina_base import database_clock
from tokens.api import examples
from tokens.api.base import TokensAPIView
from tokens.api.permissions import HasAnyAccessToken
from tokens.api.response_bodies import introspection_body
from tokens.api.serializers.tokens import EmptyOutput, IntrospectionOutput, TokenInput
from tokens.api.step_up import no_step_up
from tokens.services import introspection, revocation

_TOKEN = OpenApiExample("A token of either kind", value={"token": examples.REFRESH_TOKEN}, request_only=True)


class IntrospectView(TokensAPIView):
    """Say what a token is good for (RFC 7662).

    People and service clients may ask about their own tokens, with the permission or the scope `tokens:introspect`
    about anybody's. A dead or foreign token is only said not to be active.
    """

    event_loop_methods = frozenset({"POST"})
    permission_classes = [HasAnyAccessToken]
    step_up: ClassVar = {"post": no_step_up("it reads, and only what the caller may see")}

    @extend_schema(
        operation_id="introspect",
        tags=["tokens"],
        summary="Introspect a token",
        request=TokenInput,
        responses={200: IntrospectionOutput},
        examples=[_TOKEN, OpenApiExample("Dead or foreign", value={"active": False}, response_only=True)],
    )
    def post(self, request: Request) -> Response:
        body = TokenInput(data=request.data)
        body.is_valid(raise_exception=True)
        found = introspection.introspect(
            token=body.validated_data["token"], asker=request.user, now=database_clock.now()
        )
        return Response(introspection_body(found))


class RevokeView(TokensAPIView):
    """Give up a token; its session ends (RFC 7009). The answer is the same whatever the token was."""

    event_loop_methods = frozenset({"POST"})
    authentication_classes = []
    permission_classes = [AllowAny]
    problem_codes: ClassVar[dict[str, list[str]]] = {}

    @extend_schema(
        operation_id="revoke",
        tags=["tokens"],
        summary="Revoke a token",
        request=TokenInput,
        responses={200: EmptyOutput},
        examples=[_TOKEN, OpenApiExample("Always", value={}, response_only=True)],
    )
    def post(self, request: Request) -> Response:
        body = TokenInput(data=request.data)
        body.is_valid(raise_exception=True)
        revocation.revoke_token(presented=body.validated_data["token"], now=database_clock.now())
        return Response({})
