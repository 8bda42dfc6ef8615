"""Carry a request out once, however often it is sent (draft-ietf-httpapi-idempotency-key-header-07).

What was made is stored in the transaction that makes it, so that a process that is killed leaves both or neither. Only
the id of what was made is kept: a repetition is answered with what that is now.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, connection, transaction

from accounts.access.errors import IdempotencyKeyInvalid, IdempotencyKeyReused, RequestInProgress
from accounts.access.models import IdempotentRequest
from cedrina_base.batch_deletion import delete_in_batches

KEPT_FOR = timedelta(hours=24)
MOST_OF_A_CALLER = 1000  # the oldest are forgotten first
LONGEST_KEY = 255


@dataclass(frozen=True, slots=True)
class RequestKey:
    """The key of a request, which belongs to its caller, and the SHA-256 of what is asked."""

    caller: str
    key_digest: bytes
    request_digest: bytes


@dataclass(frozen=True, slots=True)
class Made:
    """What a request made: its id, and the version of the policy afterwards, 0 where there is none."""

    result: str
    version: int = 0


def request_key(*, caller: str, key: str, operation: str, body: Any) -> RequestKey:
    """Return the key of a request. ``operation`` is its method and path, ``body`` what can be written as JSON.

    Raises: IdempotencyKeyInvalid.
    """
    if not (0 < len(key) <= LONGEST_KEY and key.isascii() and key.isprintable() and key.strip()):
        raise IdempotencyKeyInvalid
    asked = json.dumps([operation, body], sort_keys=True, default=str).encode()
    return RequestKey(caller, hashlib.sha256(key.encode()).digest(), hashlib.sha256(asked).digest())


def run_once(*, key: RequestKey, run: Callable[[], Made], now: datetime) -> Made:
    """Carry a request out, or return what it made when it was carried out before. A refused one may be sent again.

    Raises: IdempotencyKeyReused, RequestInProgress, and what ``run`` raises.
    """
    refused: Exception | None = None
    with transaction.atomic():
        _lock(key)
        known = IdempotentRequest.objects.filter(caller=key.caller, key_digest=key.key_digest).first()
        if known is not None and known.expires_at > now:
            if bytes(known.request_digest) != key.request_digest:
                raise IdempotencyKeyReused
            return Made(known.result, known.version)
        try:
            made = run()
        except Exception as error:  # noqa: BLE001 - it is raised below
            # Raised after the block: inside it, what the service stores of a refusal, such as its event, would be lost.
            refused = error
        else:
            _store(key, made, now)
    if refused is not None:
        raise refused
    return made


def purge(*, now: datetime) -> int:
    """Delete the keys that have expired; return their number."""
    return delete_in_batches(IdempotentRequest.objects.filter(expires_at__lte=now))


def _lock(key: RequestKey) -> None:
    """Let no other request with this key run until the transaction ends."""
    if connection.vendor != "postgresql":  # there, the unique constraint alone decides
        return
    number = hashlib.sha256(key.caller.encode() + b"\0" + key.key_digest).digest()[:8]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [int.from_bytes(number, signed=True)])
        (is_locked,) = cursor.fetchone()
    if not is_locked:
        raise RequestInProgress


def _store(key: RequestKey, made: Made, now: datetime) -> None:
    rows = IdempotentRequest.objects.filter(caller=key.caller)
    rows.filter(key_digest=key.key_digest).delete()  # one that has expired
    try:
        with transaction.atomic():
            IdempotentRequest.objects.create(
                caller=key.caller,
                key_digest=key.key_digest,
                request_digest=key.request_digest,
                result=made.result,
                version=made.version,
                expires_at=now + KEPT_FOR,
            )
    except IntegrityError as error:
        raise RequestInProgress from error
    oldest = list(rows.order_by("-pk").values_list("pk", flat=True)[MOST_OF_A_CALLER:])
    if oldest:
        rows.filter(pk__in=oldest).delete()
