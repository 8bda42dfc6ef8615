"""Routes below ``/.well-known`` (RFC 8615)."""

from django.urls import path

from tokens.api.views.well_known import AuthorizationServerMetadataView, JwksView

urlpatterns = [
    path("jwks.json", JwksView.as_view(), name="jwks"),
    path("oauth-authorization-server", AuthorizationServerMetadataView.as_view(), name="authorization-server-metadata"),
]
