"""Sign the metadata of a service, so that clients can tell who published them (RFC 8414, 2.1)."""

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tokens.access_tokens import compact_jws
from tokens.access_tokens.keyring import NoSigningKey, PublishedKey, keyring
from tokens.conf import token_settings
from tokens.services import keys

LIFETIME = timedelta(days=1)
# Anybody may ask for metadata, and a signature takes 0.3 ms of CPU: it is made once in this time.
_KEPT_FOR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class _Signed:
    metadata: Mapping[str, Any]
    token_type: str
    kid: str
    at: datetime
    token: str


@dataclass(slots=True)
class _ProcessState:
    lock: threading.Lock = field(default_factory=threading.Lock)
    last: _Signed | None = None


_state = _ProcessState()


def sign(metadata: Mapping[str, Any], token_type: str, now: datetime) -> str:
    """Return metadata as a JWT of ``token_type`` that the key of access tokens signs.

    ``iss`` says who attests to them, and ``exp`` that they are of today: an earlier document can't be shown for ever.
    The last document is kept for an hour, while its key signs.
    """
    key = _signing_key(now)
    with _state.lock:
        last = _state.last
        if (
            last is None
            or (last.kid, last.token_type, last.metadata) != (key.kid, token_type, metadata)
            or not last.at <= now < last.at + _KEPT_FOR
        ):
            issued = int(now.timestamp())
            times = {"iat": issued, "exp": issued + int(LIFETIME.total_seconds())}
            claims = {**metadata, "iss": token_settings.ISSUER, **times}
            token = compact_jws.encode(claims, token_type=token_type, key=key)
            last = _state.last = _Signed(dict(metadata), token_type, key.kid, now, token)
    return last.token


def _signing_key(now: datetime) -> PublishedKey:
    try:
        return keyring.signing_key(now=now)
    except NoSigningKey:
        keys.ensure_first(now=now)
        return keyring.signing_key(now=now)


def _reset_after_fork() -> None:
    _state.lock = threading.Lock()  # another thread of the parent may have held it


os.register_at_fork(after_in_child=_reset_after_fork)
