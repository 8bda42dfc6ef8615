"""Showing a second factor: to complete a sign-in, or again in the middle of a session."""

from typing import ClassVar

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import device_cookie, openapi_examples
from accounts.api.base import AccountsAPIView, request_principal, request_user
from accounts.api.response_bodies import format_timestamp
from accounts.api.serializers.factors.factor_inputs import ReauthenticationInput, VerificationInput
from accounts.api.serializers.factors.factor_outputs import ProofOptionsOutput
from accounts.api.serializers.outputs import LoginOutput, ReauthenticationOutput
from accounts.services.factors import mfa_sign_in
from accounts.services.factors.second_factors import FactorResponse
from accounts.services.sign_in import mailed_codes, password_sign_in, reauthentication
from cedrina_base import database_clock
from tokens.api.client import client_context
from tokens.api.examples import TOKENS
from tokens.api.step_up import RECENT_SECONDS, is_proof_due, no_step_up


class MfaVerifyView(AccountsAPIView):
    """Complete a sign-in with the second factor.

    Send the `token` that the sign-in answered with as `mfa_token`, and exactly one of `code` (of an authenticator
    application), `recovery_code` and `webauthn`. After a wrong one the token may be used again, until it expires.
    After some wrong ones further ones are refused with 429 for a while; devices that the person has signed in with
    before, which a cookie of the sign-in tells, are counted by themselves.
    """

    authentication_classes = []
    permission_classes = [AllowAny]
    problem_codes: ClassVar[dict[str, list[str]]] = {
        "post": [
            "invalid_mfa_code",
            "invalid_or_expired_token",
            "too_many_attempts",
            "account_disabled",
            "email_not_confirmed",
            "session_limit_reached",
        ]
    }
    field_codes: ClassVar[dict[str, list[str]]] = {
        "post": ["required", "invalid", "blank", "max_length", "unknown_field"]
    }

    @extend_schema(
        operation_id="verify_mfa",
        tags=["sign-in"],
        summary="Complete a sign-in with a second factor",
        request=VerificationInput,
        responses={200: LoginOutput},
        examples=[
            OpenApiExample(
                "By an authenticator application",
                request_only=True,
                value={"mfa_token": openapi_examples.MFA_CHALLENGE["token"], "code": "492039"},
            ),
            OpenApiExample(
                "By a recovery code",
                request_only=True,
                value={"mfa_token": openapi_examples.MFA_CHALLENGE["token"], "recovery_code": "4821-9930-1147"},
            ),
            OpenApiExample(
                "By a security key",
                request_only=True,
                value={"mfa_token": openapi_examples.MFA_CHALLENGE["token"], "webauthn": openapi_examples.ASSERTION},
            ),
            OpenApiExample(
                "A new session",
                response_only=True,
                value={"user": {**openapi_examples.USER, "mfa_enabled": True}, "tokens": TOKENS, "mfa": None},
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        body = VerificationInput(data=request.data)
        body.is_valid(raise_exception=True)
        response = body.response()
        assert isinstance(response, FactorResponse)  # noqa: S101 - validated: one of the members was sent
        signed_in = mfa_sign_in.complete(
            token=body.validated_data["mfa_token"],
            response=response,
            client=client_context(request),
            device_token=device_cookie.read_token(request),
            now=database_clock.now(),
        )
        return device_cookie.sign_in_response(request, signed_in)


class ReauthenticateView(AccountsAPIView):
    """Prove again who you are; sensitive calls ask for that within the last five minutes.

    Send exactly one of `password`, `code`, `recovery_code`, `webauthn` and `mailed_code`. A call that answers
    `step_up_required` takes one of the last four. `mailed_code` is for people without a second factor: have it mailed
    by `POST /auth/reauthenticate/mailed-code`. It shows that the mailbox is yours and does not replace the password, so
    `authenticated_at` stays as it is.
    """

    step_up: ClassVar = {"post": no_step_up("it is how a session gets fresh")}
    problem_codes: ClassVar[dict[str, list[str]]] = {
        "post": ["invalid_credentials", "invalid_mfa_code", "too_many_attempts"]
    }
    field_codes: ClassVar[dict[str, list[str]]] = {
        "post": ["required", "invalid", "blank", "max_length", "unknown_field"]
    }

    @extend_schema(
        operation_id="reauthenticate",
        tags=["sign-in"],
        summary="Re-authenticate",
        request=ReauthenticationInput,
        responses={200: ReauthenticationOutput},
        examples=[
            OpenApiExample("By password", request_only=True, value={"password": openapi_examples.PASSWORD}),
            OpenApiExample("By an authenticator application", request_only=True, value={"code": "492039"}),
            OpenApiExample("By a code from a mail", request_only=True, value={"mailed_code": "4820 3911"}),
            OpenApiExample("By a security key", request_only=True, value={"webauthn": openapi_examples.ASSERTION}),
            OpenApiExample(
                "Proved",
                response_only=True,
                value={"authenticated_at": openapi_examples.TIMESTAMP, "expires_in": RECENT_SECONDS},
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        body = ReauthenticationInput(data=request.data)
        body.is_valid(raise_exception=True)
        user, principal, now = request_user(request), request_principal(request), database_clock.now()
        session_id, response, values = principal.session_id, body.response(), body.validated_data
        if response is not None:
            at = reauthentication.show(user=user, session_id=session_id, response=response, now=now)
        elif "mailed_code" in values:
            mailed_codes.show(user=user, session_id=session_id, code=values["mailed_code"], now=now)
            at = principal.authenticated_at
        else:
            at = password_sign_in.reauthenticate(user=user, session_id=session_id, password=values["password"], now=now)
        left = RECENT_SECONDS - int((now - at).total_seconds())
        return Response({"authenticated_at": format_timestamp(at), "expires_in": max(0, left)})


class ReauthenticationOptionsView(AccountsAPIView):
    """Find out how you can show your second factor in this session, and what to ask a browser with."""

    step_up: ClassVar = {"post": no_step_up("it is how a session gets fresh")}

    @extend_schema(
        operation_id="reauthentication_options",
        tags=["sign-in"],
        summary="List the ways to re-authenticate",
        request=None,
        responses={200: ProofOptionsOutput},
        examples=[
            OpenApiExample(
                "Somebody with a security key",
                response_only=True,
                value={"methods": ["webauthn", "recovery_code"], "webauthn": openapi_examples.REQUEST_OPTIONS},
            )
        ],
    )
    def post(self, request: Request) -> Response:
        ways = reauthentication.begin(
            user=request_user(request), session_id=request_principal(request).session_id, now=database_clock.now()
        )
        methods = list(ways.methods)
        if not methods and is_proof_due(request_principal(request), now=database_clock.now()):
            methods.append("mailed_code")
        return Response({"methods": methods, "webauthn": ways.webauthn})
