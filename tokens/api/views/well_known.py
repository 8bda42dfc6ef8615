"""Public discovery documents: the JWKS (RFC 7517) and the server metadata (RFC 8414)."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from tokens import selectors
from tokens.api.base import TokensAPIView
from tokens.api.oauth.addresses import INTROSPECTION, REVOCATION, TOKEN, endpoint
from tokens.api.oauth.client import METHODS
from tokens.api.oauth.token import GRANT_TYPES
from tokens.conf import token_settings
from tokens.service_clients.jwks import ALGORITHMS
from tokens.service_clients.scopes import SCOPES

# Shorter than JWKS_PROPAGATION_TTL, the time between a key's publication and its first use.
_CACHED = {"Cache-Control": "public, max-age=60"}


class JwksView(TokensAPIView):
    """The public keys that access tokens are verified with (RFC 7517). Served without the database, too."""

    event_loop_methods = frozenset({"GET"})
    authentication_classes = []
    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="jwks",
        tags=["discovery"],
        summary="Read the public keys",
        responses={200: OpenApiTypes.OBJECT},
        examples=[
            OpenApiExample(
                "One key",
                value={"keys": [{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "…", "n": "…", "e": "AQAB"}]},
                response_only=True,
            ),
            OpenApiExample(
                "While the algorithm changes",
                value={
                    "keys": [
                        {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "…", "n": "…", "e": "AQAB"},
                        {"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": "…", "x": "…", "y": "…"},
                        {"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": "…", "x": "…"},
                    ]
                },
                response_only=True,
            ),
        ],
    )
    def get(self, request: Request) -> Response:
        return Response({"keys": selectors.published_keys()}, headers=_CACHED)


class AuthorizationServerMetadataView(TokensAPIView):
    """Where things are (RFC 8414)."""

    event_loop_methods = frozenset({"GET"})
    authentication_classes = []
    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="authorization_server_metadata",
        tags=["discovery"],
        summary="Read the server metadata",
        responses={200: OpenApiTypes.OBJECT},
        examples=[OpenApiExample("A server", value={"issuer": "https://auth.example.com"}, response_only=True)],
    )
    def get(self, request: Request) -> Response:
        issuer = token_settings.ISSUER
        return Response(
            {
                "issuer": issuer,
                "jwks_uri": f"{issuer}/.well-known/jwks.json",
                "response_types_supported": [],  # there is no authorization endpoint
                "grant_types_supported": list(GRANT_TYPES),
                "scopes_supported": sorted(SCOPES),
                **_endpoint_members(),
            },
            headers=_CACHED,
        )


def _endpoint_members() -> dict[str, Any]:
    """Return the members of the OAuth endpoints that the project has routes for."""
    members: dict[str, Any] = {}
    for kind, name, methods in (
        ("token", TOKEN, (*METHODS, "none")),
        ("introspection", INTROSPECTION, (*METHODS, "Bearer")),
        ("revocation", REVOCATION, (*METHODS, "none")),
    ):
        address = endpoint(name)
        if address is not None:
            members[f"{kind}_endpoint"] = address
            members[f"{kind}_endpoint_auth_methods_supported"] = list(methods)
            members[f"{kind}_endpoint_auth_signing_alg_values_supported"] = list(ALGORITHMS)
    return members
