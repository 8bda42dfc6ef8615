from typing import ClassVar

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import examples
from accounts.api.base import AccountsAPIView, caller, principal
from accounts.api.documents import instant, user_document
from accounts.api.serializers.authentication import LoginInput, ReauthenticationInput
from accounts.api.serializers.outputs import LoginOutput, ReauthenticationOutput
from accounts.services import authentication
from tokens.api.client import client_context
from tokens.api.examples import TOKENS
from tokens.api.presentation import token_pair

REAUTHENTICATION_SECONDS = 300  # for how long the contract lets a re-authentication satisfy sensitive calls


class LoginView(AccountsAPIView):
    """Sign in with a username or an e-mail address and a password.

    An unknown name, a wrong password and a disabled account with a wrong password get the same answer in the same time.
    """

    authentication_classes = []
    permission_classes = [AllowAny]
    problem_codes: ClassVar[dict[str, list[str]]] = {
        "post": ["invalid_credentials", "account_disabled", "email_not_confirmed", "session_limit_reached"]
    }
    field_codes: ClassVar[dict[str, list[str]]] = {
        "post": ["required", "invalid", "blank", "max_length", "unknown_field"]
    }

    @extend_schema(
        operation_id="login",
        tags=["accounts"],
        request=LoginInput,
        responses={200: LoginOutput},
        examples=[
            OpenApiExample("By username", request_only=True, value={"username": "mina", "password": examples.PASSWORD}),
            OpenApiExample(
                "By address", request_only=True, value={"username": "mina@example.com", "password": examples.PASSWORD}
            ),
            OpenApiExample(
                "A new session",
                response_only=True,
                value={"user": examples.USER, "tokens": TOKENS, "mfa": None},
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        body = LoginInput(data=request.data)
        body.is_valid(raise_exception=True)
        signed_in = authentication.sign_in(
            name=body.validated_data["username"],
            password=body.validated_data["password"],
            client=client_context(request),
        )
        return Response({"user": user_document(signed_in.user), "tokens": token_pair(signed_in.tokens), "mfa": None})


class ReauthenticateView(AccountsAPIView):
    """Prove again who you are; sensitive calls ask for that within the last five minutes."""

    problem_codes: ClassVar[dict[str, list[str]]] = {"post": ["invalid_credentials"]}
    field_codes: ClassVar[dict[str, list[str]]] = {"post": ["required", "invalid", "blank", "unknown_field"]}

    @extend_schema(
        operation_id="reauthenticate",
        tags=["accounts"],
        request=ReauthenticationInput,
        responses={200: ReauthenticationOutput},
        examples=[
            OpenApiExample("By password", request_only=True, value={"password": examples.PASSWORD}),
            OpenApiExample(
                "Proved",
                response_only=True,
                value={"authenticated_at": examples.TIMESTAMP, "expires_in": REAUTHENTICATION_SECONDS},
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        body = ReauthenticationInput(data=request.data)
        body.is_valid(raise_exception=True)
        at = authentication.reauthenticate(
            user=caller(request), session_id=principal(request).session_id, password=body.validated_data["password"]
        )
        return Response({"authenticated_at": instant(at), "expires_in": REAUTHENTICATION_SECONDS})
