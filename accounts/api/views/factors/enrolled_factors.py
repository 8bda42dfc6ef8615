"""Second factors of the person who is signed in: an overview, authenticator applications, recovery codes."""

from typing import ClassVar

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import selectors
from accounts.api import openapi_examples
from accounts.api.base import AccountsAPIView, request_principal, request_user
from accounts.api.response_bodies import second_factors_body
from accounts.api.serializers.factors.factor_inputs import TotpActivationInput
from accounts.api.serializers.factors.factor_outputs import (
    FirstFactorOutput,
    RecoveryCodesOutput,
    SecondFactorsOutput,
    TotpOutput,
)
from accounts.services.factors import recovery_codes, totp_enrolment
from cedrina_base import database_clock
from tokens.api.step_up import RequiredFactor, requires

STEP_UP = ["reauthentication_required", "step_up_required"]
# For people without a second factor a recent authentication is enough.
STRONG = requires(factor=RequiredFactor.SECOND)


class MfaView(AccountsAPIView):
    """Your second factors."""

    @extend_schema(
        operation_id="second_factors",
        tags=["second factors"],
        summary="List your second factors",
        request=None,
        responses={200: SecondFactorsOutput},
        examples=[
            OpenApiExample(
                "Somebody with a passkey",
                response_only=True,
                value={
                    "enabled": True,
                    "methods": [openapi_examples.FACTOR],
                    "recovery_codes_left": 10,
                    "reset": None,
                },
            )
        ],
    )
    def get(self, request: Request) -> Response:
        """List your second factors and when each was last used."""
        return Response(second_factors_body(selectors.second_factors(user_id=request_user(request).pk)))


class TotpView(AccountsAPIView):
    """Your authenticator application."""

    step_up: ClassVar = {"post": STRONG, "delete": STRONG}
    problem_codes: ClassVar[dict[str, list[str]]] = {
        "post": [*STEP_UP, "already_exists", "not_found"],
        "delete": [*STEP_UP, "not_found"],
    }

    @extend_schema(
        operation_id="begin_totp",
        tags=["second factors"],
        summary="Begin to add an authenticator application",
        request=None,
        responses={200: TotpOutput},
        examples=[
            OpenApiExample(
                "A key to scan",
                response_only=True,
                value={
                    "secret": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
                    "otpauth_url": "otpauth://totp/Example%3Amina?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Example",
                    "qr_svg": '<svg xmlns="http://www.w3.org/2000/svg"><path d="M4,4H5V5H4z"/></svg>',
                },
            )
        ],
    )
    def post(self, request: Request) -> Response:
        """Get a key to set up an authenticator application with. It counts once you have sent a code of it."""
        made = totp_enrolment.begin(user=request_user(request), now=database_clock.now())
        return Response({"secret": made.secret, "otpauth_url": made.url, "qr_svg": made.svg})

    @extend_schema(
        operation_id="remove_totp",
        tags=["second factors"],
        summary="Remove your authenticator application",
        request=None,
        responses={204: None},
    )
    def delete(self, request: Request) -> Response:
        """Remove your authenticator application. Recovery codes go with the last second factor."""
        totp_enrolment.remove(
            user=request_user(request), session_id=request_principal(request).session_id, now=database_clock.now()
        )
        return Response(status=204)


class TotpActivationView(AccountsAPIView):
    """Activate your authenticator application by a code of it.

    If it is your first second factor, the answer has recovery codes. They are not shown again.
    """

    step_up: ClassVar = {"post": STRONG}
    problem_codes: ClassVar[dict[str, list[str]]] = {
        "post": [*STEP_UP, "invalid_mfa_code", "already_exists", "not_found"]
    }
    field_codes: ClassVar[dict[str, list[str]]] = {
        "post": ["required", "invalid", "blank", "max_length", "unknown_field"]
    }

    @extend_schema(
        operation_id="activate_totp",
        tags=["second factors"],
        summary="Activate an authenticator application",
        request=TotpActivationInput,
        responses={200: FirstFactorOutput},
        examples=[
            OpenApiExample("A code", request_only=True, value={"code": "492039"}),
            OpenApiExample(
                "First factor", response_only=True, value={"recovery_codes": openapi_examples.RECOVERY_CODES}
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        body = TotpActivationInput(data=request.data)
        body.is_valid(raise_exception=True)
        codes = totp_enrolment.activate(
            user=request_user(request),
            session_id=request_principal(request).session_id,
            code=body.validated_data["code"],
            now=database_clock.now(),
        )
        return Response({"recovery_codes": codes})


class RecoveryCodesView(AccountsAPIView):
    """Get a new set of recovery codes. They are not shown again; those of the old set are dead."""

    step_up: ClassVar = {"post": STRONG}
    problem_codes: ClassVar[dict[str, list[str]]] = {"post": [*STEP_UP, "not_found"]}

    @extend_schema(
        operation_id="renew_recovery_codes",
        tags=["second factors"],
        summary="Replace your recovery codes",
        request=None,
        responses={200: RecoveryCodesOutput},
        examples=[
            OpenApiExample("New codes", response_only=True, value={"recovery_codes": openapi_examples.RECOVERY_CODES})
        ],
    )
    def post(self, request: Request) -> Response:
        codes = recovery_codes.regenerate(
            user=request_user(request), session_id=request_principal(request).session_id, now=database_clock.now()
        )
        return Response({"recovery_codes": codes})
