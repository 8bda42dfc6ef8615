"""The id that ties an answer, its log lines and its events together."""

import re

import uuid_utils

HEADER = "X-Correlation-ID"
ENVIRON_KEY = "HTTP_X_CORRELATION_ID"
_ACCEPTABLE = re.compile(r"[A-Za-z0-9._-]{8,64}")


def correlation_id(presented: str | None) -> str:
    """Keep the caller's own id where it is well formed, else make one that sorts by time."""
    if presented and _ACCEPTABLE.fullmatch(presented):
        return presented
    return str(uuid_utils.uuid7())
