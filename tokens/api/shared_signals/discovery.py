"""How receivers find this transmitter (Shared Signals Framework 1.0, 7.2), and the scopes they need (RFC 9728)."""

from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from tokens.api.base import TokensAPIView
from tokens.api.shared_signals import response_bodies as routes
from tokens.conf import token_settings
from tokens.models import DeliveryMethod
from tokens.services.shared_signals.stream_owners import MANAGE, READ

SPEC_VERSION = "1_0"
_CACHED = {"Cache-Control": "public, max-age=60"}


class TransmitterConfigurationView(TokensAPIView):
    """What this transmitter can do, and where."""

    schema = None
    authentication_classes = []
    permission_classes = [AllowAny]

    def get(self, request: Request) -> Response:
        """Return the transmitter configuration metadata."""
        return Response(
            {
                "spec_version": SPEC_VERSION,
                "issuer": token_settings.ISSUER,
                "jwks_uri": f"{token_settings.ISSUER}/.well-known/jwks.json",
                "delivery_methods_supported": [method.value for method in DeliveryMethod],
                "configuration_endpoint": routes.address(routes.STREAMS),
                "status_endpoint": routes.address(routes.STATUS),
                "add_subject_endpoint": routes.address(routes.ADD_SUBJECT),
                "remove_subject_endpoint": routes.address(routes.REMOVE_SUBJECT),
                "verification_endpoint": routes.address(routes.VERIFICATION),
                "critical_subject_members": ["user"],
                "authorization_schemes": [{"spec_urn": "urn:ietf:rfc:6749"}],
                "default_subjects": "ALL",
            },
            headers=_CACHED,
        )


class ProtectedResourceView(TokensAPIView):
    """The scopes of the calls of shared signals, for OAuth clients (CAEP Interoperability Profile 1.0, 2.7.2)."""

    schema = None
    authentication_classes = []
    permission_classes = [AllowAny]

    def get(self, request: Request) -> Response:
        """Return the metadata of the protected resource (RFC 9728, 2)."""
        return Response(
            {
                "resource": f"{token_settings.ISSUER}/ssf",
                "authorization_servers": [token_settings.ISSUER],
                "scopes_supported": [MANAGE, READ],
                "bearer_methods_supported": ["header"],
            },
            headers=_CACHED,
        )
