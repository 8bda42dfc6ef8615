"""Tell other apps what happened, in the transaction that made it true."""

from typing import Any

import structlog
from django.db import transaction
from django.dispatch import Signal

log = structlog.get_logger(__name__)


def announce(signal: Signal, *, name: str, **details: Any) -> None:
    """Send a signal. What a listener does wrong is undone alone: it must not take the change with it."""
    try:
        with transaction.atomic():
            signal.send(None, **details)
    except Exception:
        log.exception("listener_failed", signal=name)
