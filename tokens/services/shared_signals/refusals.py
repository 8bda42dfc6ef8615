"""The tokens that receivers call wrong: by the answer to a push, or in a poll (RFC 8935, 2.3; RFC 8936, 2.6)."""

from collections.abc import Mapping
from datetime import datetime
from itertools import islice

import structlog
from django.db.models import F

from tokens.models import SignalStream

_LONGEST_CODE = 64
_MOST_LOGGED = 20  # of one poll

log = structlog.get_logger(__name__)


def note(stream: SignalStream, *, codes: Mapping[str, str], now: datetime) -> None:
    """Count the tokens that a receiver calls wrong, given their error codes by ``jti``, and log the first ones.

    What the receiver says of them besides is not kept: nobody knows what stands in it.
    """
    if not codes:
        return
    for jti, code in islice(codes.items(), _MOST_LOGGED):
        log.warning("signal_refused", stream_id=str(stream.pk), jti=jti, error=code)
    SignalStream.objects.filter(pk=stream.pk).update(
        refusals=F("refusals") + len(codes), last_refusal=list(codes.values())[-1], last_refusal_at=now
    )


def error_code(answer: object) -> str:
    """Return the member ``err`` of an error, empty if it is none."""
    code = answer.get("err") if isinstance(answer, dict) else None
    return (
        code
        if isinstance(code, str) and 0 < len(code) <= _LONGEST_CODE and code.isascii() and code.isprintable()
        else ""
    )
