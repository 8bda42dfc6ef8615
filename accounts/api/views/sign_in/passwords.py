from typing import ClassVar

from django.utils.translation import gettext
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import device_cookie, openapi_examples
from accounts.api.base import AccountsAPIView, request_principal, request_user
from accounts.api.problems import NEW_PASSWORD_CODES
from accounts.api.response_bodies import format_timestamp
from accounts.api.serializers.outputs import PasswordChangeOutput
from accounts.api.serializers.sign_in.passwords import PasswordChangeInput
from accounts.services.passwords import password_changes
from cedrina_base import database_clock
from cedrina_base.content_language import set_content_language
from tokens.api.client import client_context
from tokens.api.examples import TOKENS
from tokens.api.response_bodies import token_response_body
from tokens.api.step_up import requires_second_factor


class ChangePasswordView(AccountsAPIView):
    """Change your password.

    Every other session ends. This one goes on with the tokens in the answer; those that it had until now are dead.
    People with a second factor must have shown it within the last five minutes.
    """

    step_up: ClassVar = {"put": requires_second_factor("the body carries the password")}
    problem_codes: ClassVar[dict[str, list[str]]] = {
        "put": ["invalid_credentials", "step_up_required", "too_many_attempts"]
    }
    field_codes: ClassVar[dict[str, list[str]]] = {
        "put": [
            "required",
            "invalid",
            "blank",
            "unknown_field",
            *NEW_PASSWORD_CODES,
            "password_unchanged",
            "password_reused",
        ]
    }

    @extend_schema(
        operation_id="change_password",
        tags=["accounts"],
        summary="Change your password",
        request=PasswordChangeInput,
        responses={200: PasswordChangeOutput},
        examples=[
            OpenApiExample(
                "A new password",
                request_only=True,
                value={"old_password": openapi_examples.PASSWORD, "new_password": openapi_examples.NEW_PASSWORD},
            ),
            OpenApiExample(
                "Changed",
                response_only=True,
                value={
                    "message": "Your password was changed. All other sessions were ended.",
                    "tokens": TOKENS,
                    "timestamp": openapi_examples.TIMESTAMP,
                },
            ),
        ],
    )
    def put(self, request: Request) -> Response:
        body = PasswordChangeInput(data=request.data)
        body.is_valid(raise_exception=True)
        user = request_user(request)
        pair = password_changes.change(
            user=user,
            session_id=request_principal(request).session_id,
            old_password=body.validated_data["old_password"],
            new_password=body.validated_data["new_password"],
            client=client_context(request),
            now=database_clock.now(),
        )
        body_sent = {
            "message": gettext("Your password was changed. All other sessions were ended."),
            "tokens": token_response_body(pair),
            "timestamp": format_timestamp(database_clock.now()),
        }
        response = Response(body_sent)
        # The password change invalidated the tokens of all devices, also of this one.
        device_cookie.renew(response, request=request, user=user)
        return set_content_language(response)
