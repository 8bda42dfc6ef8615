"""Security keys and passkeys: of the person who is signed in, and to sign in with."""

from typing import ClassVar
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import device_cookie, openapi_examples
from accounts.api.base import AccountsAPIView, request_principal, request_user
from accounts.api.response_bodies import factor_body
from accounts.api.serializers.factors.factor_inputs import KeyInput, KeyOptionsInput, PasskeyInput
from accounts.api.serializers.factors.factor_outputs import NewKeyOutput
from accounts.api.serializers.outputs import LoginOutput
from accounts.api.views.factors.enrolled_factors import STEP_UP, STRONG
from accounts.services.factors import passkeys, security_keys
from cedrina_base import database_clock
from tokens.api.client import client_context
from tokens.api.examples import TOKENS


class KeyOptionsView(AccountsAPIView):
    """Begin to add a security key: the answer is for `PublicKeyCredential.parseCreationOptionsFromJSON()`.

    With `passkey` the key must be able to sign in alone: it remembers the account and verifies its user.
    """

    step_up: ClassVar = {"post": STRONG}
    problem_codes: ClassVar[dict[str, list[str]]] = {"post": [*STEP_UP, "permission_denied"]}
    field_codes: ClassVar[dict[str, list[str]]] = {"post": ["invalid", "unknown_field"]}

    @extend_schema(
        operation_id="webauthn_options",
        tags=["second factors"],
        summary="Begin to add a security key",
        request=KeyOptionsInput,
        responses={200: OpenApiTypes.OBJECT},
        examples=[
            OpenApiExample("A passkey", request_only=True, value={"passkey": True}),
            OpenApiExample("Creation options", response_only=True, value=openapi_examples.CREATION_OPTIONS),
        ],
    )
    def post(self, request: Request) -> Response:
        body = KeyOptionsInput(data=request.data)
        body.is_valid(raise_exception=True)
        options = security_keys.begin(
            user=request_user(request),
            session_id=request_principal(request).session_id,
            is_passkey=body.validated_data["passkey"],
            now=database_clock.now(),
        )
        return Response(options)


class KeysView(AccountsAPIView):
    """Add the security key that the browser made.

    If it is your first second factor, the answer has recovery codes. They are not shown again.
    """

    step_up: ClassVar = {"post": STRONG}
    problem_codes: ClassVar[dict[str, list[str]]] = {
        "post": [*STEP_UP, "already_exists", "permission_denied", "not_found"]
    }
    field_codes: ClassVar[dict[str, list[str]]] = {
        "post": ["required", "invalid", "blank", "max_length", "unknown_field"]
    }

    @extend_schema(
        operation_id="add_webauthn",
        tags=["second factors"],
        summary="Add a security key",
        request=KeyInput,
        responses={201: NewKeyOutput},
        examples=[
            OpenApiExample(
                "A new key", request_only=True, value={"name": "Blue key", "credential": openapi_examples.ATTESTATION}
            ),
            OpenApiExample(
                "First factor",
                response_only=True,
                status_codes=["201"],
                value={**openapi_examples.FACTOR, "recovery_codes": openapi_examples.RECOVERY_CODES},
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        body = KeyInput(data=request.data)
        body.is_valid(raise_exception=True)
        added = security_keys.register(
            user=request_user(request),
            session_id=request_principal(request).session_id,
            name=body.validated_data["name"],
            credential=body.validated_data["credential"],
            now=database_clock.now(),
        )
        return Response({**factor_body(added.key), "recovery_codes": added.recovery_codes}, status=201)


class KeyView(AccountsAPIView):
    """One of your security keys."""

    step_up: ClassVar = {"delete": STRONG}
    problem_codes: ClassVar[dict[str, list[str]]] = {"delete": [*STEP_UP, "permission_denied"]}

    @extend_schema(
        operation_id="remove_webauthn",
        tags=["second factors"],
        summary="Remove a security key",
        request=None,
        responses={204: None},
    )
    def delete(self, request: Request, key_id: UUID) -> Response:
        """Remove one of your security keys. Recovery codes go with the last second factor."""
        security_keys.remove(
            user=request_user(request),
            session_id=request_principal(request).session_id,
            key_id=key_id,
            now=database_clock.now(),
        )
        return Response(status=204)


class PasskeyOptionsView(AccountsAPIView):
    """Begin to sign in by a passkey: the answer is for `PublicKeyCredential.parseRequestOptionsFromJSON()`."""

    authentication_classes = []
    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="passkey_options",
        tags=["sign-in"],
        summary="Begin a sign-in by passkey",
        request=None,
        responses={200: OpenApiTypes.OBJECT},
        examples=[OpenApiExample("Request options", response_only=True, value=openapi_examples.PASSKEY_OPTIONS)],
    )
    def post(self, request: Request) -> Response:
        return Response(passkeys.begin(now=database_clock.now()))


class PasskeyLoginView(AccountsAPIView):
    """Sign in by a passkey alone. It counts as both factors, so no second one is asked for."""

    authentication_classes = []
    permission_classes = [AllowAny]
    problem_codes: ClassVar[dict[str, list[str]]] = {
        "post": ["invalid_credentials", "account_disabled", "email_not_confirmed", "session_limit_reached"]
    }
    field_codes: ClassVar[dict[str, list[str]]] = {"post": ["required", "invalid", "unknown_field"]}

    @extend_schema(
        operation_id="passkey_login",
        tags=["sign-in"],
        summary="Sign in by passkey",
        request=PasskeyInput,
        responses={200: LoginOutput},
        examples=[
            OpenApiExample("A browser's answer", request_only=True, value={"credential": openapi_examples.ASSERTION}),
            OpenApiExample(
                "A new session",
                response_only=True,
                value={"user": {**openapi_examples.USER, "mfa_enabled": True}, "tokens": TOKENS, "mfa": None},
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        body = PasskeyInput(data=request.data)
        body.is_valid(raise_exception=True)
        signed_in = passkeys.sign_in(
            credential=body.validated_data["credential"],
            client=client_context(request),
            device_token=device_cookie.read_token(request),
            now=database_clock.now(),
        )
        return device_cookie.sign_in_response(request, signed_in)
