"""The tokens that receivers call wrong: by the answer to a push, or in a poll (RFC 8935, 2.3; RFC 8936, 2.6)."""

from datetime import datetime

import structlog
from django.db.models import F

from tokens.models import SignalStream

_LONGEST_CODE = 64

log = structlog.get_logger(__name__)


def note_refusal(stream: SignalStream, *, jti: str, code: str, now: datetime) -> None:
    """Log that a receiver calls a token wrong. Its description is not kept: nobody knows what stands in it."""
    log.warning("signal_refused", stream_id=str(stream.pk), jti=jti, error=code)
    SignalStream.objects.filter(pk=stream.pk).update(
        refusals=F("refusals") + 1, last_refusal=code[:200], last_refusal_at=now
    )


def error_code(answer: object) -> str:
    """Return the member ``err`` of an error, empty if it is none."""
    code = answer.get("err") if isinstance(answer, dict) else None
    return (
        code
        if isinstance(code, str) and 0 < len(code) <= _LONGEST_CODE and code.isascii() and code.isprintable()
        else ""
    )
