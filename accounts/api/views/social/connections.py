"""The accounts of providers that somebody is connected to."""

from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import selectors
from accounts.api import openapi_examples
from accounts.api.base import AccountsAPIView, request_user, session_user
from accounts.api.response_bodies import format_timestamp
from accounts.api.serializers.outputs import ReauthenticationOutput
from accounts.api.serializers.social.provider_sign_in import CallbackInput, SocialAccountListOutput, SocialAccountOutput
from accounts.api.views.social.provider_sign_in import FIELDS
from accounts.providers.links import SocialLink
from accounts.services.social import connections
from cedrina_base import database_clock
from tokens.api.step_up import RECENT_SECONDS, RequiredFactor, no_step_up, requires


class SocialAccountsView(AccountsAPIView):
    """What the person is connected to."""

    @extend_schema(
        operation_id="list_social_accounts",
        tags=["social sign-in"],
        summary="List your connected accounts",
        responses={200: SocialAccountListOutput},
        examples=[OpenApiExample("One", response_only=True, value={"results": [openapi_examples.SOCIAL_ACCOUNT]})],
    )
    def get(self, request: Request) -> Response:
        """List the accounts of providers that let the person in."""
        found = selectors.social_accounts(user_id=request_user(request).pk)
        return Response({"results": [_document(link) for link in found]})


class SocialAccountView(AccountsAPIView):
    """One of them."""

    step_up: ClassVar = {"delete": requires(factor=RequiredFactor.SECOND)}
    problem_codes: ClassVar[dict[str, list[str]]] = {
        "delete": ["permission_denied", "reauthentication_required", "step_up_required"]
    }

    @extend_schema(
        operation_id="unlink_social_account",
        tags=["social sign-in"],
        summary="Disconnect an account of a provider",
        request=None,
        responses={204: None},
    )
    def delete(self, request: Request, account_id: UUID) -> Response:
        """Disconnect an account of a provider. The last way to sign in can't be removed."""
        connections.unlink(user=request_user(request), link_id=account_id, now=database_clock.now())
        return Response(status=204)


class SocialLinkView(AccountsAPIView):
    """Connect an account of a provider, begun with `purpose` `link` in the same session."""

    step_up: ClassVar = {"post": requires(factor=RequiredFactor.SECOND)}
    problem_codes: ClassVar[dict[str, list[str]]] = {
        "post": [
            "invalid_social_token",
            "social_account_in_use",
            "already_exists",
            "reauthentication_required",
            "step_up_required",
        ]
    }
    field_codes: ClassVar[dict[str, list[str]]] = {"post": FIELDS}

    @extend_schema(
        operation_id="link_social_account",
        tags=["social sign-in"],
        summary="Connect an account of a provider",
        request=CallbackInput,
        responses={201: SocialAccountOutput},
        examples=[
            OpenApiExample("Back again", request_only=True, value=openapi_examples.RETURN),
            OpenApiExample(
                "Connected", response_only=True, status_codes=["201"], value=openapi_examples.SOCIAL_ACCOUNT
            ),
        ],
    )
    def post(self, request: Request, provider: str) -> Response:
        body = CallbackInput(data=request.data)
        body.is_valid(raise_exception=True)
        link = connections.link(
            provider_id=provider, callback=body.callback(), session_user=session_user(request), now=database_clock.now()
        )
        return Response(_document(link), status=201)


class SocialReauthenticateView(AccountsAPIView):
    """Prove anew who you are by signing in at a provider you are connected to.

    Begun with `purpose` `reauthenticate` in the same session; for people without a password.
    """

    step_up: ClassVar = {"post": no_step_up("it is how a session gets fresh")}
    problem_codes: ClassVar[dict[str, list[str]]] = {"post": ["invalid_social_token"]}
    field_codes: ClassVar[dict[str, list[str]]] = {"post": FIELDS}

    @extend_schema(
        operation_id="reauthenticate_by_social_account",
        tags=["social sign-in"],
        summary="Re-authenticate by a provider",
        request=CallbackInput,
        responses={200: ReauthenticationOutput},
        examples=[
            OpenApiExample("Back again", request_only=True, value=openapi_examples.RETURN),
            OpenApiExample(
                "Proved",
                response_only=True,
                value={"authenticated_at": openapi_examples.TIMESTAMP, "expires_in": RECENT_SECONDS},
            ),
        ],
    )
    def post(self, request: Request, provider: str) -> Response:
        body = CallbackInput(data=request.data)
        body.is_valid(raise_exception=True)
        at = connections.reauthenticate(
            provider_id=provider, callback=body.callback(), session_user=session_user(request), now=database_clock.now()
        )
        return Response({"authenticated_at": format_timestamp(at), "expires_in": RECENT_SECONDS})


def _document(link: SocialLink) -> dict[str, Any]:
    return {
        "id": str(link.id),
        "provider": link.provider,
        "name": link.name,
        "email": link.email or None,
        "created_at": format_timestamp(link.created_at),
        "last_login_at": format_timestamp(link.last_login_at),
    }
