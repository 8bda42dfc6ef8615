"""Sign security event tokens (RFC 8417) for one stream, as the Shared Signals Framework 1.0, 5.1 profiles them."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model

from tokens.access_tokens import compact_jws
from tokens.access_tokens.keyring import NoSigningKey, PublishedKey, keyring
from tokens.conf import token_settings
from tokens.models import PendingSignal, SignalStream, UserIdentifierFormat
from tokens.services import keys
from tokens.signing_algorithms import RS256

TYPE = "secevent+jwt"  # RFC 8417, 2.3; the framework, 5.1.1


def audience_of(stream: SignalStream) -> str:
    """Return the ``aud`` of a stream: the client id of its owner, or its own id where a person made it.

    Neither can be chosen, so no stream gets tokens that another receiver would accept.
    """
    return str(stream.client_id or stream.pk)


def sign(signals: Collection[PendingSignal], *, stream: SignalStream, now: datetime) -> dict[str, str]:
    """Return the tokens of signals by their ``jti``. All claims but an e-mail address are those of the first delivery.

    There is no ``exp`` and no ``sub`` (the framework, 5.1.3).
    """
    key = _signing_key(now)
    addresses = _addresses({signal.user_id for signal in signals if signal.user_id}, stream)
    return {
        signal.jti: compact_jws.encode(_claims(signal, stream, addresses), token_type=TYPE, key=key)
        for signal in signals
    }


def _signing_key(now: datetime) -> PublishedKey:
    try:
        return keyring.signing_key_of(RS256, now=now)
    except NoSigningKey:
        keys.ensure_signal_key(now=now)
        return keyring.signing_key_of(RS256, now=now)


def _claims(signal: PendingSignal, stream: SignalStream, addresses: Mapping[str, str]) -> dict[str, Any]:
    claims = {
        "iss": token_settings.ISSUER,
        "jti": signal.jti,
        "iat": int(signal.issued_at.timestamp()),
        "aud": audience_of(stream),
        "sub_id": _subject(signal, stream, addresses),
        "events": signal.events,
    }
    return {**claims, "txn": signal.transaction_identifier} if signal.transaction_identifier else claims


def _subject(signal: PendingSignal, stream: SignalStream, addresses: Mapping[str, str]) -> dict[str, Any]:
    """Return the subject identifier: complex, of a person and maybe of a session; opaque for the stream itself."""
    if not signal.user_id:
        return {"format": "opaque", "id": str(stream.pk)}
    user: dict[str, str] = {"format": "iss_sub", "iss": token_settings.ISSUER, "sub": signal.user_id}
    if signal.user_id in addresses:
        user = {"format": "email", "email": addresses[signal.user_id]}
    subject: dict[str, Any] = {"format": "complex", "user": user}
    if signal.session_id:
        subject["session"] = {"format": "opaque", "id": signal.session_id}
    return subject


def _addresses(user_ids: Collection[str], stream: SignalStream) -> dict[str, str]:
    """Return the confirmed addresses of people, where the stream names people by these and the operator allows it.

    An address that nobody has confirmed may be somebody else's, whose sessions a receiver would end then.
    """
    if stream.user_format != UserIdentifierFormat.EMAIL or not token_settings.SSF_EMAIL_SUBJECTS or not user_ids:
        return {}
    users = get_user_model()._default_manager.filter(pk__in=user_ids)
    found = {str(user.pk): token_settings.CONFIRMED_EMAIL(user) for user in users}
    return {user_id: address for user_id, address in found.items() if address}
