"""The tables of this app. Services change the rows, each with one statement where that is possible."""

from tokens.models.keys import RefreshKeyEpoch, SigningKey
from tokens.models.service_clients import (
    ClientAuthenticationMethod,
    RevokedServiceToken,
    ServiceClient,
    ServiceClientSecret,
    UsedAssertion,
)
from tokens.models.sessions import MULTI_FACTOR, Session, SessionKind, SessionQuerySet, StepUpOrder, TokenFamily
from tokens.models.signal_streams import (
    DeliveryMethod,
    ExcludedSubject,
    PendingSignal,
    SignalStream,
    StreamStatus,
    UserIdentifierFormat,
)
from tokens.models.websocket_tickets import WebSocketTicket

__all__ = [
    "MULTI_FACTOR",
    "ClientAuthenticationMethod",
    "DeliveryMethod",
    "ExcludedSubject",
    "PendingSignal",
    "RefreshKeyEpoch",
    "RevokedServiceToken",
    "ServiceClient",
    "ServiceClientSecret",
    "Session",
    "SessionKind",
    "SessionQuerySet",
    "SignalStream",
    "SigningKey",
    "StepUpOrder",
    "StreamStatus",
    "TokenFamily",
    "UsedAssertion",
    "UserIdentifierFormat",
    "WebSocketTicket",
]
