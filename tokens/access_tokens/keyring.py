"""The signing keys in this process: each parsed once, read from the database again once a minute.

Parsing a key takes 41 ms and a signature 0.27 ms, so parsed keys are kept by their id. While the database is
unavailable the process goes on with the keys it has. Whether a token's key is still published, and which key signs, is
decided by the statements that authenticate, sign in and refresh, so an emergency rotation takes effect in every process
with the next statement.
"""

import json
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

import structlog
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from django.db import Error as DatabaseError
from django.db import OperationalError
from django.db.models import Q
from django.db.models.functions import Now

from cedrina_base import base64url
from tokens.access_tokens import jwk
from tokens.conf import token_settings
from tokens.models import SigningKey
from tokens.signing_algorithms import SIGNING_ALGORITHMS, PrivateKey, PublicKey, SigningAlgorithm

if TYPE_CHECKING:
    from collections.abc import Mapping

TYPE = "at+jwt"  # RFC 9068, 2.1
_KID_LENGTH = 43  # of a SHA-256 thumbprint in base64url
_MAX_HEADER_LENGTH = 200  # characters; ours have 110
_MAX_AGE_SECONDS = 60.0
_UNKNOWN_KID_SECONDS = 5.0
_SIGNALS_MAX_AGE_SECONDS = 3.0  # so that a dropped key signs no signals any more
_JWKS_MAX_AGE_SECONDS = 3.0  # so that a dropped key leaves the published document within five seconds

log = structlog.get_logger(__name__)


class NoSigningKey(Exception):
    """There is no key that could sign now."""


@dataclass(frozen=True, slots=True)
class PublishedKey:
    """One parsed key. The times are those of its row."""

    kid: str
    algorithm: SigningAlgorithm
    header: str  # the only one of the tokens that it signs, base64url-encoded
    private: PrivateKey
    public: PublicKey
    activated_at: datetime
    retired_at: datetime | None
    expires_at: datetime | None
    signs_access_tokens: bool


class KeyRing:
    """All published keys, by id and by the exact header of the tokens that they signed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._parsed: dict[str, tuple[PrivateKey, PublicKey]] = {}
        self.clear()

    def clear(self) -> None:
        """Forget all keys, and read them again before the next use."""
        self._keys: tuple[PublishedKey, ...] = ()
        self._by_header: Mapping[str, PublishedKey] = {}
        self._by_kid: Mapping[str, PublishedKey] = {}
        self._read_at = self._tried_at = self._searched_at = float("-inf")
        self._is_database_unavailable = False

    def load(self) -> None:
        """Read the keys before the first request. It is no error if the database is not up yet."""
        try:
            self._refresh(0)
        except DatabaseError as error:
            log.warning("signing_keys_not_loaded", error=type(error).__name__)
        self._report_other_algorithm()

    def _report_other_algorithm(self) -> None:
        """Log that the setting has no effect yet: it decides about new keys, and there has been none since."""
        newest = next((key for key in reversed(self._keys) if key.signs_access_tokens and key.retired_at is None), None)
        if newest and newest.algorithm.name != token_settings.ACCESS_TOKEN_ALGORITHM:
            log.warning(
                "signing_key_of_other_algorithm",
                kid=newest.kid,
                algorithm=newest.algorithm.name,
                setting=token_settings.ACCESS_TOKEN_ALGORITHM,
                hint="Access tokens are signed with this key until manage.py rotate_signing_key has made another one.",
            )

    def expire(self) -> None:
        """Read the keys again before the next use, but keep those that are known while the database is unavailable."""
        self._read_at = float("-inf")

    def signing_key(self, *, now: datetime, kid: str | None = None) -> PublishedKey:
        """Return the key ``kid``, which the database named, else the key that was activated last.

        Raises: NoSigningKey.
        """
        self._refresh(_MAX_AGE_SECONDS)
        if kid is not None:
            named = self._by_kid.get(kid)
            if named is None:
                self._refresh(0)  # another process has just made it
                with self._lock:  # another thread may be reading it at this moment
                    named = self._by_kid.get(kid)
            if named is not None:
                return named
        return _newest_active([key for key in self._keys if key.signs_access_tokens], now=now)

    def signing_key_of(self, algorithm: SigningAlgorithm, *, now: datetime) -> PublishedKey:
        """Return the key of an algorithm that was activated last, whether it signs access tokens or not.

        Raises: NoSigningKey.
        """
        self._refresh(_SIGNALS_MAX_AGE_SECONDS)
        return _newest_active([key for key in self._keys if key.algorithm is algorithm], now=now)

    def kid_of_header(self, header: str) -> str | None:
        """Return the id of the published key whose tokens have this encoded header."""
        key = self._by_header.get(header)
        return key.kid if key else None

    def verification_key(self, header: str) -> PublishedKey | None:
        """Return the key for an encoded header, ``None`` if the tokens of no published key have it.

        The header of a token is compared as a whole with the headers that we write. Nothing in a presented header is
        used: not ``alg``, ``jku``, ``jwk``, ``x5u`` or ``crit``, and there is no second encoding and no duplicate
        member. The algorithm is that of the key (RFC 8725, 3.1 and 3.10).

        Raises: OperationalError, if the key is unknown and the database, which may know it, is unavailable.
        """
        self._refresh(_MAX_AGE_SECONDS)
        key = self._by_header.get(header)
        if key is None and (kid := _well_formed_kid(header)) is not None and kid not in self._parsed:
            # Another process may have made the key a moment ago. Forged headers can cause this query once in five
            # seconds. Reads for other reasons do not count: the key may be newer than they are.
            if time.monotonic() - self._searched_at >= _UNKNOWN_KID_SECONDS:
                self._searched_at = time.monotonic()
                self._refresh(0)
            with self._lock:  # another thread may be reading it at this moment
                key = self._by_header.get(header)
            if key is None and self._is_database_unavailable:
                raise OperationalError("The signing key is unknown here and the database is unavailable.")
        return key

    def jwks(self) -> list[dict[str, Any]]:
        """Return the published keys as JSON Web Keys (RFC 7517)."""
        self._refresh(_JWKS_MAX_AGE_SECONDS)
        return [
            {**jwk.members_of(key.public), "use": "sig", "alg": key.algorithm.name, "kid": key.kid}
            for key in self._keys
        ]

    def _refresh(self, max_age: float) -> None:
        if self._is_fresh(max_age) or not self._lock.acquire(blocking=not self._keys):
            return  # or another thread is reading, and there are older keys to go on with
        try:
            if self._is_fresh(max_age):
                return
            self._tried_at = started = time.monotonic()
            self._read()
            self._read_at = started
            self._is_database_unavailable = False
        except DatabaseError:
            self._is_database_unavailable = True
            if not self._keys:
                raise
        finally:
            self._lock.release()

    def _is_fresh(self, max_age: float) -> bool:
        """Return whether the keys are new enough, or a read has failed within the last five seconds."""
        now = time.monotonic()
        has_just_failed = (
            self._is_database_unavailable and bool(self._keys) and now - self._tried_at < _UNKNOWN_KID_SECONDS
        )
        return has_just_failed or now - self._read_at < max_age

    def _read(self) -> None:
        rows = SigningKey.objects.filter(Q(expires_at__isnull=True) | Q(expires_at__gt=Now())).order_by("activated_at")
        keys = tuple(key for row in rows if (key := self._parse(row)) is not None)
        self._parsed = {key.kid: (key.private, key.public) for key in keys}
        # A key for security event tokens verifies no access token.
        self._by_header = {key.header: key for key in keys if key.signs_access_tokens}
        self._by_kid = {key.kid: key for key in keys}
        self._keys = keys

    def _parse(self, row: SigningKey) -> PublishedKey | None:
        """Return the parsed key of a row, or ``None`` if it is none of the algorithm that the row names."""
        private, public = self._parsed.get(row.kid) or (
            cast("PrivateKey", load_pem_private_key(row.private_key.encode(), password=None)),
            cast("PublicKey", load_pem_public_key(row.public_key.encode())),
        )
        algorithm = SIGNING_ALGORITHMS[row.algorithm]
        if not algorithm.is_key(public):
            log.error("signing_key_is_none_of_its_algorithm", kid=row.kid, algorithm=row.algorithm)
            return None
        header = encoded_header(row.kid, algorithm=algorithm)
        times = (row.activated_at, row.retired_at, row.expires_at)
        return PublishedKey(row.kid, algorithm, header, private, public, *times, row.signs_access_tokens)


def encoded_header(kid: str, *, algorithm: SigningAlgorithm) -> str:
    """Return the one header, base64url-encoded, of the tokens that this key signs."""
    header = json.dumps({"alg": algorithm.name, "kid": kid, "typ": TYPE}, separators=(",", ":"), sort_keys=True)
    return base64url.encode(header.encode())


def _well_formed_kid(header: str) -> str | None:
    """Return the key id of a header that equals ours except for the id and the choice among our algorithms."""
    if len(header) > _MAX_HEADER_LENGTH:
        return None
    try:
        kid = json.loads(base64url.decode(header) or b"")["kid"]
    except (ValueError, KeyError, TypeError):
        return None
    if not isinstance(kid, str) or len(kid) != _KID_LENGTH:
        return None
    ours = (encoded_header(kid, algorithm=algorithm) for algorithm in SIGNING_ALGORITHMS.values())
    return kid if header in ours else None


def _newest_active(keys: Sequence[PublishedKey], *, now: datetime) -> PublishedKey:
    usable = [key for key in keys if key.retired_at is None or key.retired_at > now]
    if not usable:
        raise NoSigningKey
    # If the clocks differ so much that no key is active yet, the oldest key signs.
    active = [key for key in usable if key.activated_at <= now]
    return max(active, key=_activated_at) if active else min(usable, key=_activated_at)


def _activated_at(key: PublishedKey) -> datetime:
    return key.activated_at


keyring = KeyRing()
