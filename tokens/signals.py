"""Signals to the apps above, sent in the transaction that makes them true."""

from typing import Any

import structlog
from django.db import transaction
from django.dispatch import Signal

log = structlog.get_logger(__name__)

# A refresh token was used twice and its family ended. Arguments: user_id, session_id, family_id.
family_compromised = Signal()

# A refresh token that had been superseded came back after its session had ended, so it was copied. At most one a minute
# for each family. Arguments: user_id, session_id, family_id.
reused_after_end = Signal()

# The previous refresh token was presented by another kind of client in another network, and its successor was returned
# again as for a lost response. Arguments: user_id, session_id, family_id, client, now.
repeated_elsewhere = Signal()

# A service client is deleted. Arguments: client_id, actor (a Subject), reason, now.
service_client_deleted = Signal()


def send_isolated(signal: Signal, *, name: str, **arguments: Any) -> None:
    """Send a signal in a savepoint. If a receiver fails, its changes are undone and logged; the sender's stay."""
    try:
        with transaction.atomic():
            signal.send(None, **arguments)
    except Exception:
        log.exception("listener_failed", signal=name)
