"""Routes below ``/oauth/``: the endpoints of OAuth 2.0 that the server metadata names (RFC 8414)."""

from django.urls import path

from tokens.api.oauth.introspection import OAuthIntrospectionView
from tokens.api.oauth.revocation import OAuthRevocationView
from tokens.api.oauth.token import OAuthTokenView

urlpatterns = [
    path("token", OAuthTokenView.as_view(), name="oauth-token"),
    path("introspect", OAuthIntrospectionView.as_view(), name="oauth-introspect"),
    path("revoke", OAuthRevocationView.as_view(), name="oauth-revoke"),
]
