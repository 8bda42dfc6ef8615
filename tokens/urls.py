"""Routes below the API's base path."""

from django.urls import path

from tokens.api.views.logout import LogoutView
from tokens.api.views.oauth import IntrospectView, RevokeView
from tokens.api.views.refresh import RefreshView
from tokens.api.views.service_clients import ServiceClientSecretView, ServiceClientsView, ServiceClientView
from tokens.api.views.sessions import SessionListView, SessionView
from tokens.api.views.websocket_tickets import WebSocketTicketView

urlpatterns = [
    path("auth/refresh", RefreshView.as_view(), name="refresh"),
    path("auth/logout", LogoutView.as_view(), name="logout"),
    path("auth/sessions", SessionListView.as_view(), name="sessions"),
    path("auth/sessions/<uuid:session_id>", SessionView.as_view(), name="session"),
    path("auth/ws-ticket", WebSocketTicketView.as_view(), name="ws-ticket"),
    path("auth/introspect", IntrospectView.as_view(), name="introspect"),
    path("auth/revoke", RevokeView.as_view(), name="revoke"),
    path("admin/service-clients", ServiceClientsView.as_view(), name="service-clients"),
    path("admin/service-clients/<uuid:client_id>", ServiceClientView.as_view(), name="service-client"),
    path(
        "admin/service-clients/<uuid:client_id>/rotate-secret",
        ServiceClientSecretView.as_view(),
        name="service-client-rotate-secret",
    ),
]
