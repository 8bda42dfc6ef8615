"""Primary keys."""

import uuid

import uuid_utils.compat


def uuid7() -> uuid.UUID:
    """Return a time-ordered identifier (RFC 9562, 5.7), so that new rows sit together in the index."""
    return uuid_utils.compat.uuid7()
