"""The correlation id of a request: in its response, its log lines and its security events."""

import re

import uuid_utils

HEADER = "X-Correlation-ID"
ENVIRON_KEY = "HTTP_X_CORRELATION_ID"
_ACCEPTABLE = re.compile(r"[A-Za-z0-9._-]{8,64}")


def correlation_id(presented: str | None) -> str:
    """Return the id that the client sent if it is well formed, otherwise a new UUIDv7 (RFC 9562)."""
    if presented and _ACCEPTABLE.fullmatch(presented):
        return presented
    return str(uuid_utils.uuid7())
