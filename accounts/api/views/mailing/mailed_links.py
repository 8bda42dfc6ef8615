from typing import ClassVar

from django.utils.translation import gettext, gettext_noop
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import device_cookie, openapi_examples
from accounts.api.base import AccountsAPIView, request_principal, request_user
from accounts.api.problems import NEW_PASSWORD_CODES
from accounts.api.response_bodies import format_timestamp
from accounts.api.serializers.mailing.mailed_links import (
    AddressChangeInput,
    AddressInput,
    ConfirmationInput,
    PasswordResetInput,
)
from accounts.api.serializers.outputs import MessageOutput
from accounts.services.addresses import address_change, address_confirmation
from accounts.services.mailing import mail_requests
from accounts.services.mailing.mail_requests import RequestedMail
from accounts.services.passwords import password_reset
from accounts.services.sign_in.registration_confirmation import ConfirmationRequest
from cedrina_base import database_clock
from cedrina_base.content_language import set_content_language
from tokens.api.client import client_context
from tokens.api.step_up import requires_second_factor

CONFIRMED = gettext_noop("Your e-mail address is confirmed.")
CONFIRMED_WITHOUT_PASSWORD = gettext_noop(
    "Your e-mail address is confirmed. We have written to you so that you can choose a password."
)
RESENT = gettext_noop("If an account with this address waits for its confirmation, we have written to it.")
FORGOTTEN = gettext_noop("If there is an account with this address, we have written to it.")
RESET = gettext_noop("Your new password is set. All sessions were ended.")
CHANGE_REQUESTED = gettext_noop(
    "We have written to the new address. It becomes yours as soon as you follow the link in that mail."
)
_ADDRESS = {"email": "mina@example.com"}
_FIELDS = ["required", "invalid", "blank", "max_length", "unknown_field"]


def _message(text: str, *, status: int = 200) -> Response:
    body = {"message": gettext(text), "timestamp": format_timestamp(database_clock.now())}
    return set_content_language(Response(body, status=status))


def _request_mail(request: Request, requested: RequestedMail, *, message: str) -> Response:
    body = AddressInput(data=request.data)
    body.is_valid(raise_exception=True)
    mail_requests.submit(
        requested=requested,
        email=body.validated_data["email"],
        device_token=device_cookie.read_token(request),
        now=database_clock.now(),
    )
    return _message(message, status=202)


def _examples(body: dict[str, str], message: str, *, status: int = 200) -> list[OpenApiExample]:
    return [
        OpenApiExample("A request", request_only=True, value=body),
        OpenApiExample(
            "The answer",
            response_only=True,
            status_codes=[str(status)],
            value={"message": message, "timestamp": openapi_examples.TIMESTAMP},
        ),
    ]


class ConfirmEmailView(AccountsAPIView):
    """Confirm an e-mail address by the token of a mailed link: that of a new account, or the new one of an old account.

    The token can be used once. Links in mail lead to a page that posts, so that following one confirms nothing.

    Anybody can register anybody's address, so the link alone does not prove that the password of the registration is
    the owner's. It is kept where the browser that registered confirms, which its cookie tells. Everybody else sends
    `password`: it becomes the password of the account. Without either the address is confirmed, the account has no
    password, and a link to choose one is mailed. The same holds for an account whose address was not confirmed before:
    nothing stays in it, unless `password` is the one that it has, or the browser has signed in with that. A new address
    of an old account is confirmed by such a browser, or with the password of the account.

    A password that is refused doesn't use the token up. After five, the token of an account is no longer good.
    """

    authentication_classes = []
    permission_classes = [AllowAny]
    problem_codes: ClassVar[dict[str, list[str]]] = {
        "post": [
            "invalid_or_expired_token",
            "email_taken",
            "username_taken",
            "invalid_credentials",
            "too_many_attempts",
        ]
    }
    field_codes: ClassVar[dict[str, list[str]]] = {
        "post": [
            *_FIELDS,
            *NEW_PASSWORD_CODES,
        ]
    }

    @extend_schema(
        operation_id="confirm_email",
        tags=["sign-in"],
        summary="Confirm an e-mail address",
        request=ConfirmationInput,
        responses={200: MessageOutput},
        examples=_examples({"token": openapi_examples.MAILED_TOKEN, "password": openapi_examples.PASSWORD}, CONFIRMED),
    )
    def post(self, request: Request) -> Response:
        body = ConfirmationInput(data=request.data)
        body.is_valid(raise_exception=True)
        confirmation = ConfirmationRequest(
            password=body.validated_data.get("password"),
            device_token=device_cookie.read_token(request),
            client=client_context(request),
        )
        outcome = address_confirmation.confirm(
            token=body.validated_data["token"], confirmation=confirmation, now=database_clock.now()
        )
        has_no_password = outcome is address_confirmation.ConfirmationOutcome.CONFIRMED_WITHOUT_PASSWORD
        return _message(CONFIRMED_WITHOUT_PASSWORD if has_no_password else CONFIRMED)


class ResendConfirmationView(AccountsAPIView):
    """Ask for another mail with the link that confirms an address.

    The answer is the same, after the same work, whether or not anybody has this address or waits for its confirmation.
    """

    authentication_classes = []
    permission_classes = [AllowAny]
    field_codes: ClassVar[dict[str, list[str]]] = {"post": [*_FIELDS, "email_invalid"]}

    @extend_schema(
        operation_id="resend_confirmation",
        tags=["sign-in"],
        summary="Request another confirmation mail",
        request=AddressInput,
        responses={202: MessageOutput},
        examples=_examples(_ADDRESS, RESENT, status=202),
    )
    def post(self, request: Request) -> Response:
        return _request_mail(request, RequestedMail.CONFIRMATION, message=RESENT)


class ForgotPasswordView(AccountsAPIView):
    """Ask for a mail with a link to a new password.

    The answer is the same, after the same work, whether or not anybody has this address, has confirmed it or may sign
    in. An address gets three such mails an hour at most, and another three that its owner asks for in a browser that
    has signed in before. While a link is on its way, for a minute, no other is sent. The link works once, for ten
    minutes; a later one does not end it.
    """

    authentication_classes = []
    permission_classes = [AllowAny]
    field_codes: ClassVar[dict[str, list[str]]] = {"post": [*_FIELDS, "email_invalid"]}

    @extend_schema(
        operation_id="forgot_password",
        tags=["sign-in"],
        summary="Request a mail to reset the password",
        request=AddressInput,
        responses={202: MessageOutput},
        examples=_examples(_ADDRESS, FORGOTTEN, status=202),
    )
    def post(self, request: Request) -> Response:
        return _request_mail(request, RequestedMail.RESET, message=FORGOTTEN)


class ResetPasswordView(AccountsAPIView):
    """Set a new password by the token of a mailed link.

    Every session ends. A password that is refused doesn't use the token up, but after five refused ones it is no longer
    good. Signing in afterwards still takes the second factor of whoever has one.
    """

    authentication_classes = []
    permission_classes = [AllowAny]
    problem_codes: ClassVar[dict[str, list[str]]] = {"post": ["invalid_or_expired_token"]}
    field_codes: ClassVar[dict[str, list[str]]] = {
        "post": [
            *_FIELDS,
            *NEW_PASSWORD_CODES,
            "password_reused",
        ]
    }

    @extend_schema(
        operation_id="reset_password",
        tags=["sign-in"],
        summary="Reset the password",
        request=PasswordResetInput,
        responses={200: MessageOutput},
        examples=_examples(
            {"token": openapi_examples.MAILED_TOKEN, "new_password": openapi_examples.NEW_PASSWORD}, RESET
        ),
    )
    def post(self, request: Request) -> Response:
        body = PasswordResetInput(data=request.data)
        body.is_valid(raise_exception=True)
        user = password_reset.reset(
            token=body.validated_data["token"],
            new_password=body.validated_data["new_password"],
            client=client_context(request),
            now=database_clock.now(),
        )
        response = _message(RESET)
        device_cookie.renew_after_reset(response, user=user)
        return response


class AddressChangeView(AccountsAPIView):
    """Ask for another e-mail address for your account.

    It changes when the link in the mail to the new address is followed. The present one is told at once. The answer is
    the same for an address that somebody has; they are written to instead.
    """

    step_up: ClassVar = {"post": requires_second_factor("the body carries the password")}
    problem_codes: ClassVar[dict[str, list[str]]] = {
        "post": ["invalid_credentials", "step_up_required", "too_many_attempts"]
    }
    field_codes: ClassVar[dict[str, list[str]]] = {"post": [*_FIELDS, "email_invalid"]}

    @extend_schema(
        operation_id="change_email",
        tags=["accounts"],
        summary="Change your e-mail address",
        request=AddressChangeInput,
        responses={202: MessageOutput},
        examples=_examples(
            {"email": "mina.new@example.com", "password": openapi_examples.PASSWORD}, CHANGE_REQUESTED, status=202
        ),
    )
    def post(self, request: Request) -> Response:
        body = AddressChangeInput(data=request.data)
        body.is_valid(raise_exception=True)
        address_change.request(
            user=request_user(request),
            session_id=request_principal(request).session_id,
            email=body.validated_data["email"],
            password=body.validated_data["password"],
            now=database_clock.now(),
        )
        return _message(CHANGE_REQUESTED, status=202)
