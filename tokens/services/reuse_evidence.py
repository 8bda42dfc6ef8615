"""What is known when a superseded refresh token is presented that could tell a thief from a restored backup.

The session ends in any case, and its owner is mailed (RFC 9700, 4.14.2). This is for the people who look at the alarms:
a device that was restored from a backup presents an old token, too, from where its owner always is.
"""

from datetime import datetime
from typing import Any

from security_events.geoip import locate
from tokens import devices
from tokens.models import Session
from tokens.refresh_tokens.reuse_detection import FamilyState
from tokens.types import ClientContext, RefreshClaims

_MOST_SESSIONS = 200  # the newest of an account, as many as its last two months have at three sign-ins a day


def evidence_of(
    claims: RefreshClaims, state: FamilyState, *, user_id: Any, client: ClientContext, now: datetime
) -> dict[str, int | bool]:
    """Return what the event of a reuse says about it.

    ``generations_behind``: how many exchanges ago the presented token was the current one. ``idle_seconds``: how long
    ago the current one was last given out. ``is_familiar_client``: the client that presents the old token is of the
    kind of the one that has the current token, and in its network, or in a network or with a provider (if there is a
    database of places) from which the account has signed in.
    """
    return {
        "generations_behind": state.generation - claims.generation,
        "idle_seconds": max(0, int((now - state.returned_at).total_seconds())),
        "is_familiar_client": _is_familiar(state, user_id, client),
    }


def _is_familiar(state: FamilyState, user_id: Any, client: ClientContext) -> bool:
    if state.is_same_client:
        return True
    if not state.is_same_kind:
        return False
    # In one statement that reads the index of the user's sessions; a reuse is rare.
    newest = Session.objects.filter(user_id=user_id).order_by("-id").values_list("ip_address", flat=True)
    addresses = {address for address in newest[:_MOST_SESSIONS] if address}
    if devices.network_digest(client.ip_address) in map(devices.network_digest, addresses):
        return True
    provider = _provider(client.ip_address)
    return provider != 0 and provider in map(_provider, addresses)


def _provider(address: str | None) -> int:
    """Return the number of an address's autonomous system; 0 if it is not known."""
    location = locate(address) if address else None
    return location.asn if location else 0
