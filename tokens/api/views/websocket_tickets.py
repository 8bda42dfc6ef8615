"""Tickets for WebSockets."""

from typing import TYPE_CHECKING, ClassVar, cast

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from cedrina_base import database_clock
from tokens.api import examples
from tokens.api.authentication import signed_claims
from tokens.api.base import TokensAPIView
from tokens.api.permissions import HasAccessToken
from tokens.api.serializers.websocket_tickets import WebSocketTicketOutput
from tokens.api.step_up import no_step_up
from tokens.services import websocket_tickets

if TYPE_CHECKING:
    from tokens.types import AccessClaims


class WebSocketTicketView(TokensAPIView):
    """A ticket for one WebSocket of this session."""

    permission_classes = [HasAccessToken]
    step_up: ClassVar = {"post": no_step_up("a socket gives what its session may read anyway")}

    @extend_schema(
        operation_id="create_websocket_ticket",
        tags=["sessions"],
        summary="Get a ticket for a WebSocket",
        request=None,
        responses={200: WebSocketTicketOutput},
        examples=[
            OpenApiExample(
                "A ticket", value={"ticket": examples.WEBSOCKET_TICKET, "expires_in": 30}, response_only=True
            )
        ],
    )
    def post(self, request: Request) -> Response:
        """Get a ticket by which a browser opens one WebSocket within 30 seconds.

        Offer it as a subprotocol: `new WebSocket(url, ["cedrina.v1", "cedrina.ticket." + ticket])`. Other clients send
        `Authorization` with the handshake and need no ticket.
        """
        # The authentication class has accepted it.
        claims = cast("AccessClaims", signed_claims(request))
        ticket = websocket_tickets.issue(claims=claims, now=database_clock.now())
        seconds = int(websocket_tickets.LIFETIME.total_seconds())
        return Response({"ticket": ticket, "expires_in": seconds})
