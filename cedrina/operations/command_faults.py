"""End a command of `manage.py` with one sentence, for faults of the machine that an operator can correct."""

import errno
import json
import sys
from collections.abc import Sequence

FAILED = 1


def end_command(error: Exception, *, arguments: Sequence[str]) -> None:
    """Write the sentence about an error and exit with 1. With ``--json`` it is an object on standard output.

    Return when the error is no such fault: then it is a bug, and its traceback is needed.

    Raises: SystemExit.
    """
    found = fault(error)
    if found is None:
        return
    code, sentence = found
    if "--json" in arguments:
        sys.stdout.write(json.dumps({"error": {"code": code, "detail": sentence}}) + "\n")
        raise SystemExit(FAILED)
    sys.exit(sentence)


def fault(error: Exception) -> tuple[str, str] | None:
    """Return a code and the sentence about a fault of the machine; ``None`` for other errors."""
    # Imported when a command has failed only: it may have failed before these could be imported.
    from redis.exceptions import RedisError  # noqa: PLC0415

    from cedrina.database.faults import database_fault  # noqa: PLC0415

    sentence = database_fault(error)
    if sentence is not None:
        return "database_unavailable", sentence
    if isinstance(error, RedisError):
        return "redis_unavailable", "Redis does not answer; start it, or correct REDIS_URL."
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "disk_full", "The disk is full; make room on it, then run the command again."
    return None
