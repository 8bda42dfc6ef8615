"""Example values for the OpenAPI document."""

SESSION_ID = "0197a3c0-5b1e-7c4d-9f00-2b6f1c9a7d10"
ACCESS_TOKEN = "eyJhbGciOiJSUzI1NiIsImtpZCI6Ii4uLiIsInR5cCI6ImF0K2p3dCJ9.eyJzdWIiOiIuLi4ifQ.c2lnbmF0dXJl"
REFRESH_TOKEN = "cdr_AQGXo8BbHnxNnwArbxyafRAAAAAAAAAAAeIDcKGyXXt3dYlEGRfsvA0"
WEBSOCKET_TICKET = "cdw_Q2hhbmdlcyBhdCBlYWNoIGNhbGwuIE5vIHNlY3JldC4"
TOKENS = {
    "access_token": ACCESS_TOKEN,
    "refresh_token": REFRESH_TOKEN,
    "token_type": "Bearer",
    "expires_in": 874,
    "refresh_expires_in": 604800,
    "session_id": SESSION_ID,
}
SESSION = {
    "id": SESSION_ID,
    "current": True,
    "ip_address": "203.0.113.7",
    "user_agent": "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "device": "Firefox on Ubuntu",
    "location": None,
    "created_at": "2026-01-05T10:00:00Z",
    "last_activity_at": "2026-01-05T10:42:00Z",
    "expires_at": "2026-01-12T10:42:00Z",
    "amr": ["pwd"],
}
CLIENT_SECRET = "cds_S1ll5VbQYdGgZ1m0r2yfYqf5dUPo2TtJb6rVZc0QfXk"
NEW_SERVICE_CLIENT = {
    "name": "orders",
    "description": "The order service checks the tokens of its callers.",
    "scopes": ["tokens:introspect"],
    "reason": "the order service goes live",
}
SERVICE_CLIENT = {
    "id": "0197a3c0-5b1e-7c4d-9f00-2b6f1c9a7d11",
    "name": "orders",
    "description": "The order service checks the tokens of its callers.",
    "scopes": ["tokens:introspect"],
    "authentication_method": "client_secret",
    "jwks": None,
    "is_enabled": True,
    "created_at": "2026-01-05T10:00:00Z",
    "updated_at": "2026-01-05T10:00:00Z",
    "last_used_at": None,
    "created_by": "0197a3c0-5b1e-7c4d-9f00-2b6f1c9a7d12",
    "secrets": [{"created_at": "2026-01-05T10:00:00Z", "expires_at": None}],
}
