"""Sign in by a provider."""

from typing import ClassVar

from django.utils.translation import get_language
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.exceptions import NotAuthenticated
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import selectors
from accounts.api import device_cookie, openapi_examples
from accounts.api.base import AccountsAPIView, session_user
from accounts.api.locale import supported_language
from accounts.api.serializers.outputs import LoginOutput
from accounts.api.serializers.social.provider_sign_in import (
    AuthorizationOutput,
    AuthorizeInput,
    CallbackInput,
    ProviderListOutput,
    SocialTokenInput,
)
from accounts.models import SocialPurpose
from accounts.services.social import authorizations, provider_sign_in
from cedrina_base import database_clock
from tokens.api.client import client_context
from tokens.api.examples import TOKENS
from tokens.types import Principal

SIGNED_IN = [
    OpenApiExample(
        "A new session", response_only=True, value={"user": openapi_examples.USER, "tokens": TOKENS, "mfa": None}
    ),
    OpenApiExample(
        "A second factor is due",
        response_only=True,
        value={"user": None, "tokens": None, "mfa": openapi_examples.MFA_CHALLENGE},
    ),
]
REFUSALS = [
    "invalid_social_token",
    "email_not_confirmed",
    "account_disabled",
    "invalid_credentials",
    "session_limit_reached",
]
FIELDS = ["required", "invalid", "blank", "max_length", "unknown_field"]


class SocialProvidersView(AccountsAPIView):
    """The providers by which people may sign in here."""

    authentication_classes = []
    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="list_social_providers",
        tags=["social sign-in"],
        summary="List the providers",
        responses={200: ProviderListOutput},
        examples=[OpenApiExample("Two", response_only=True, value={"results": openapi_examples.PROVIDERS})],
    )
    def get(self, request: Request) -> Response:
        shown = [
            {"id": provider.id, "kind": provider.kind, "name": provider.name}
            for provider in selectors.social_providers()
        ]
        return Response({"results": shown})


class SocialAuthorizeView(AccountsAPIView):
    """Begin a sign-in at a provider: send the person to the address in the answer, in the browser.

    Keep the `state`, and when the person comes back, go on only if the one in the address is the same. With an access
    token and a `purpose`, it begins connecting the provider to the account, or proving anew who one is.
    """

    permission_classes = [AllowAny]
    problem_codes: ClassVar[dict[str, list[str]]] = {
        "post": ["authentication_required", "invalid_token", "token_expired", "session_revoked", "session_expired"]
    }
    field_codes: ClassVar[dict[str, list[str]]] = {"post": FIELDS}

    @extend_schema(
        operation_id="begin_social_sign_in",
        tags=["social sign-in"],
        summary="Begin a sign-in by a provider",
        request=AuthorizeInput,
        responses={200: AuthorizationOutput},
        examples=[
            OpenApiExample("Sign in", request_only=True, value={"redirect_uri": openapi_examples.REDIRECT_URI}),
            OpenApiExample(
                "Connect, and let nobody else finish it",
                request_only=True,
                value={
                    "redirect_uri": openapi_examples.REDIRECT_URI,
                    "purpose": "link",
                    "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
                },
            ),
            OpenApiExample("Where to go", response_only=True, value=openapi_examples.AUTHORIZATION),
        ],
    )
    def post(self, request: Request, provider: str) -> Response:
        body = AuthorizeInput(data=request.data)
        body.is_valid(raise_exception=True)
        purpose = SocialPurpose(body.validated_data.get("purpose", SocialPurpose.SIGN_IN))
        is_bound = purpose is not SocialPurpose.SIGN_IN
        if is_bound and not isinstance(request.auth, Principal):
            raise NotAuthenticated
        authorization = authorizations.begin(
            provider_id=provider,
            redirect_uri=body.validated_data["redirect_uri"],
            purpose=purpose,
            session_user=session_user(request) if is_bound else None,
            client_challenge=body.validated_data.get("code_challenge", ""),
            now=database_clock.now(),
        )
        return Response({"authorization_url": authorization.url, "state": authorization.state})


class SocialCallbackView(AccountsAPIView):
    """Sign in with what the provider sent the person back with. Code and state are good once, for ten minutes."""

    authentication_classes = []
    permission_classes = [AllowAny]
    problem_codes: ClassVar[dict[str, list[str]]] = {"post": REFUSALS}
    field_codes: ClassVar[dict[str, list[str]]] = {"post": FIELDS}

    @extend_schema(
        operation_id="finish_social_sign_in",
        tags=["social sign-in"],
        summary="Complete a sign-in by a provider",
        request=CallbackInput,
        responses={200: LoginOutput},
        examples=[OpenApiExample("Back again", request_only=True, value=openapi_examples.RETURN), *SIGNED_IN],
    )
    def post(self, request: Request, provider: str) -> Response:
        body = CallbackInput(data=request.data)
        body.is_valid(raise_exception=True)
        outcome = provider_sign_in.by_code(
            provider_id=provider,
            callback=body.callback(),
            client=client_context(request),
            locale=supported_language(get_language()),
            device_token=device_cookie.read_token(request),
            now=database_clock.now(),
        )
        return device_cookie.sign_in_response(request, outcome)


class SocialTokenView(AccountsAPIView):
    """Sign in with a token that a native application got from the provider. It is taken once.

    It must be for this installation or for one of its applications. A token with a nonce needs the `nonce` that the
    application sent along. Only Facebook's access tokens are enough by themselves.
    """

    authentication_classes = []
    permission_classes = [AllowAny]
    problem_codes: ClassVar[dict[str, list[str]]] = {"post": REFUSALS}
    field_codes: ClassVar[dict[str, list[str]]] = {"post": FIELDS}

    @extend_schema(
        operation_id="sign_in_by_social_token",
        tags=["social sign-in"],
        summary="Sign in with a token of a provider",
        request=SocialTokenInput,
        responses={200: LoginOutput},
        examples=[
            OpenApiExample("From a native application", request_only=True, value=openapi_examples.SOCIAL_TOKEN),
            *SIGNED_IN,
        ],
    )
    def post(self, request: Request, provider: str) -> Response:
        body = SocialTokenInput(data=request.data)
        body.is_valid(raise_exception=True)
        given = body.validated_data
        outcome = provider_sign_in.by_token(
            provider_id=provider,
            id_token=given.get("id_token"),
            access_token=given.get("access_token"),
            nonce=given.get("nonce"),
            client=client_context(request),
            locale=supported_language(get_language()),
            device_token=device_cookie.read_token(request),
            now=database_clock.now(),
        )
        return device_cookie.sign_in_response(request, outcome)
