"""Routes below ``/.well-known`` (RFC 8615)."""

from django.urls import path

from tokens.api.shared_signals.discovery import ProtectedResourceView, TransmitterConfigurationView
from tokens.api.views.well_known import AuthorizationServerMetadataView, JwksView

urlpatterns = [
    path("jwks.json", JwksView.as_view(), name="jwks"),
    path("oauth-authorization-server", AuthorizationServerMetadataView.as_view(), name="authorization-server-metadata"),
    path("oauth-protected-resource/ssf", ProtectedResourceView.as_view(), name="ssf-protected-resource"),
    path("ssf-configuration", TransmitterConfigurationView.as_view(), name="ssf-configuration"),
]
