"""Authenticate a WebSocket handshake: by ``Authorization``, or by a ticket that stands among the subprotocols.

A browser offers ``cedrina.v1, cedrina.ticket.<ticket>``, since it can't send headers, and nothing secret may stand in a
URL.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import Error, connection

from accounts import event_types
from accounts.access.services.decisions import may
from accounts.rules import admin_access
from cedrina.websockets import close_codes
from cedrina_base import database_clock
from security_events import context as request_context
from security_events.services import deduplication
from tokens.access_tokens.codec import decode_access_token
from tokens.errors import AccessTokenExpired, AccessTokenInvalid, SessionExpired, SessionRevoked, TokenError
from tokens.services import service_tokens, verification, websocket_tickets
from tokens.services.open_sockets import SocketToken
from tokens.types import AccessClaims, AdminSessionClaims, ServiceClaims
from tokens.users import subject_of

SUBPROTOCOL = "cedrina.v1"
TICKET_PREFIX = "cedrina.ticket."

SocketClaims = AccessClaims | AdminSessionClaims | ServiceClaims


class HandshakeRefused(Exception):
    """The socket is to be closed with ``code``."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class SocketCaller:
    """Who opened a socket, from where, and by which access token.

    ``subject`` is the id of the person or of the service client. Pages of the admin have no access token: then it is
    the session of the admin.
    """

    subject: str
    claims: SocketClaims
    session_id: UUID | None = None
    ip_address: str | None = None

    @property
    def expires_at(self) -> datetime:
        return self.claims.expires_at

    @property
    def token(self) -> SocketToken | None:
        """What decides whether a person's token lives; ``None`` for a service client."""
        if isinstance(self.claims, AccessClaims):
            return SocketToken(self.claims.family_id, self.claims.kid)
        if isinstance(self.claims, AdminSessionClaims):
            return SocketToken(self.claims.family_id, "")
        return None


def authenticate(scope: Any, *, action: str | None) -> SocketCaller:
    """Return who opens a socket. Without an ``action`` that must be a person, otherwise whoever may do it.

    Raises: HandshakeRefused.
    """
    connection.close_if_unusable_or_obsolete()
    now = database_clock.now()
    try:
        claims = _presented_claims(scope, now=now)
        caller, is_allowed = _caller_of(claims, action, is_use=True, now=now)
    except TokenError as error:
        raise HandshakeRefused(code_of(error)) from error
    except Error as error:
        raise HandshakeRefused(close_codes.UNAVAILABLE) from error
    if not is_allowed:
        raise HandshakeRefused(close_codes.FORBIDDEN)
    return caller


def check_again(caller: SocketCaller, *, action: str, now: datetime) -> None:
    """Authenticate and authorize the caller of an open socket once more.

    Raises: HandshakeRefused; django.db.Error.
    """
    # In a thread that serves no request. A rule may ask for the network.
    context = request_context.RequestContext(ip_address=caller.ip_address)
    try:
        with request_context.bind(context):
            _, is_allowed = _caller_of(caller.claims, action, is_use=False, now=now)
    except TokenError as error:
        raise HandshakeRefused(close_codes.SESSION_ENDED) from error
    if not is_allowed:
        raise HandshakeRefused(close_codes.FORBIDDEN)


def code_of(error: TokenError) -> int:
    """Return the close code of a token that is not accepted: whether it was once, or never."""
    was_accepted = isinstance(error, AccessTokenExpired | SessionExpired | SessionRevoked)
    return close_codes.SESSION_ENDED if was_accepted else close_codes.UNAUTHENTICATED


def chosen_subprotocol(scope: Any) -> str | None:
    """Return the subprotocol that the server takes: ours, if the client offers it (RFC 6455, 4.2.2)."""
    return SUBPROTOCOL if SUBPROTOCOL in scope.get("subprotocols", ()) else None


def _presented_claims(scope: Any, *, now: datetime) -> SocketClaims:
    headers = [value for name, value in scope["headers"] if name.lower() == b"authorization"]
    tickets = [text for text in scope.get("subprotocols", ()) if text.startswith(TICKET_PREFIX)]
    if len(headers) + len(tickets) != 1:
        raise AccessTokenInvalid(reason="not exactly one token or ticket")
    if headers:
        return decode_access_token(_bearer_token(headers[0]))
    claims = websocket_tickets.redeem(presented=tickets[0].removeprefix(TICKET_PREFIX), now=now)
    if claims is None:
        raise AccessTokenInvalid(reason="no such ticket")
    return claims


def _bearer_token(header: bytes) -> str:
    """Return the token of an Authorization header (RFC 6750, 2.1)."""
    scheme, _, token = header.decode("latin-1").strip(" \t").partition(" ")
    token = token.strip(" \t")
    if scheme.lower() != "bearer" or not token or " " in token:
        raise AccessTokenInvalid(reason="malformed Authorization header")
    return token


def _caller_of(claims: SocketClaims, action: str | None, *, is_use: bool, now: datetime) -> tuple[SocketCaller, bool]:
    user: Any
    address = request_context.current().ip_address
    if isinstance(claims, ServiceClaims):
        user = service_tokens.authenticate_claims(claims=claims, is_use=is_use, now=now).caller
        caller = SocketCaller(str(claims.client_id), claims, ip_address=address)
        is_allowed = action is not None and may(user, action)
    elif isinstance(claims, AdminSessionClaims):
        user = verification.authenticate_admin_claims(claims=claims, now=now)
        caller = SocketCaller(str(user.pk), claims, claims.session_id, address)
        # As for the pages of the admin.
        is_allowed = admin_access.may_use_admin(user, at=now) and (action is None or may(user, action))
    else:
        user = verification.authenticate_claims(claims=claims, is_use=is_use, now=now).user
        caller = SocketCaller(str(user.pk), claims, claims.session_id, address)
        is_allowed = action is None or may(user, action)
    if not is_allowed:
        reasons = [action or "accounts:own"]
        deduplication.record(
            event_types.PERMISSION_DENIED,
            actor=subject_of(user),
            reasons=reasons,
            session_id=caller.session_id,
            now=now,
        )
    return caller, is_allowed
