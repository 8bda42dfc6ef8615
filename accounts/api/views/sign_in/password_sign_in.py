from typing import ClassVar

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import device_cookie, openapi_examples
from accounts.api.base import AccountsAPIView
from accounts.api.serializers.outputs import LoginOutput
from accounts.api.serializers.sign_in.password_sign_in import LoginInput
from accounts.services.sign_in import password_sign_in
from cedrina_base import database_clock
from tokens.api.client import client_context
from tokens.api.examples import TOKENS


class LoginView(AccountsAPIView):
    """Sign in with a username or an e-mail address and a password.

    An unknown name, a wrong password and a disabled account with a wrong password get the same answer in the same time.
    After some wrong passwords for a name, whether somebody has it or not, further ones are refused with 429 for a while
    that doubles each time. Devices that the person has signed in with before are counted by themselves: they are
    recognised by a cookie that this answer sets.
    """

    authentication_classes = []
    permission_classes = [AllowAny]
    problem_codes: ClassVar[dict[str, list[str]]] = {
        "post": [
            "invalid_credentials",
            "account_disabled",
            "email_not_confirmed",
            "password_reset_required",
            "session_limit_reached",
            "too_many_attempts",
        ]
    }
    field_codes: ClassVar[dict[str, list[str]]] = {
        "post": ["required", "invalid", "blank", "max_length", "unknown_field"]
    }

    @extend_schema(
        operation_id="login",
        tags=["sign-in"],
        summary="Sign in with a password",
        request=LoginInput,
        responses={200: LoginOutput},
        examples=[
            OpenApiExample(
                "By username", request_only=True, value={"username": "mina", "password": openapi_examples.PASSWORD}
            ),
            OpenApiExample(
                "By address",
                request_only=True,
                value={"username": "mina@example.com", "password": openapi_examples.PASSWORD},
            ),
            OpenApiExample(
                "A new session",
                response_only=True,
                value={"user": openapi_examples.USER, "tokens": TOKENS, "mfa": None},
            ),
            OpenApiExample(
                "A second factor is due",
                response_only=True,
                value={"user": None, "tokens": None, "mfa": openapi_examples.MFA_CHALLENGE},
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        body = LoginInput(data=request.data)
        body.is_valid(raise_exception=True)
        signed_in = password_sign_in.sign_in(
            name=body.validated_data["username"],
            password=body.validated_data["password"],
            client=client_context(request),
            device_token=device_cookie.read_token(request),
            now=database_clock.now(),
        )
        return device_cookie.sign_in_response(request, signed_in)
