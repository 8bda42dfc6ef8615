from typing import ClassVar

from django.utils.translation import get_language, gettext, gettext_noop
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import device_cookie, openapi_examples
from accounts.api.base import AccountsAPIView
from accounts.api.locale import supported_language
from accounts.api.problems import NEW_PASSWORD_CODES, validation_error
from accounts.api.response_bodies import format_timestamp, user_body
from accounts.api.serializers.outputs import MessageOutput, RegistrationOutput
from accounts.api.serializers.sign_in.registration import RegistrationInput
from accounts.services.sign_in import registration
from accounts.services.sign_in.password_sign_in import SignedIn
from cedrina_base import database_clock
from cedrina_base.content_language import set_content_language
from tokens.api.client import client_context
from tokens.api.examples import TOKENS
from tokens.api.response_bodies import token_response_body

MESSAGE = gettext_noop(
    "Thank you. If this address is new here, we have written to it; otherwise we have written to its owner."
)


class RegisterView(AccountsAPIView):
    """Open an account.

    Where addresses have to be confirmed, the answer is 202 and the same for addresses that are registered already. The
    registration waits for a day, with its username reserved; the account is opened by the mailed link. A cookie of the
    answer tells then that the link is followed in the browser that registered. Where addresses need no confirmation,
    the answer is 201 with a first session.
    """

    authentication_classes = []
    permission_classes = [AllowAny]
    problem_codes: ClassVar[dict[str, list[str]]] = {"post": ["username_taken", "email_taken"]}
    field_codes: ClassVar[dict[str, list[str]]] = {
        "post": [
            "required",
            "invalid",
            "blank",
            "min_length",
            "max_length",
            "unknown_field",
            "username_invalid",
            "username_reserved",
            "email_invalid",
            *NEW_PASSWORD_CODES,
        ]
    }

    @extend_schema(
        operation_id="register",
        tags=["sign-in"],
        summary="Open an account",
        request=RegistrationInput,
        responses={201: RegistrationOutput, 202: MessageOutput},
        examples=[
            OpenApiExample(
                "A new account",
                request_only=True,
                value={"username": "mina", "email": "mina@example.com", "password": openapi_examples.PASSWORD},
            ),
            OpenApiExample(
                "With its first session",
                response_only=True,
                status_codes=["201"],
                value={"user": {**openapi_examples.USER, "email_confirmed": False}, "tokens": TOKENS},
            ),
            OpenApiExample(
                "With an address to confirm",
                response_only=True,
                status_codes=["202"],
                value={"message": MESSAGE, "timestamp": openapi_examples.TIMESTAMP},
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        body = RegistrationInput(data=request.data)
        if not body.is_valid():
            # With what the service would find, so that the person can correct everything at once.
            raise validation_error(registration.detail_problems(**body.well_formed_details()), found=body.errors)
        application = body.registration_request(default_locale=supported_language(get_language()))
        registered = registration.register(
            application=application, client=client_context(request), now=database_clock.now()
        )
        if isinstance(registered, SignedIn):
            session = {"user": user_body(registered.user), "tokens": token_response_body(registered.tokens)}
            response = Response(session, status=201)
            device_cookie.renew(response, request=request, user=registered.user)
            return response
        message = {"message": gettext(MESSAGE), "timestamp": format_timestamp(database_clock.now())}
        response = set_content_language(Response(message, status=202))
        device_cookie.renew(response, request=request, user=registered)
        return response
