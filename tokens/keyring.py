"""The signing keys as this process sees them: parsed once, looked at again once a minute.

Parsing a key costs more than a hundred signatures, so parsed keys are kept by their id. When the database is away the
last view serves on: the published keys and the signatures of known keys don't need it. Whether a token's key is still
published, and which one signs, is asked of the database by the statements that need it (``published``).
"""

import base64
import json
import threading
import time
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

import structlog
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from django.db import Error as DatabaseError
from django.db import OperationalError
from django.db.models import Q
from django.db.models.functions import Now
from jwt.algorithms import RSAAlgorithm

from cedrina_base import base64url
from tokens.models import SigningKey

if TYPE_CHECKING:
    from collections.abc import Mapping

ALGORITHM = "RS256"
TYPE = "at+jwt"  # RFC 9068, 2.1
_FRESH_SECONDS = 60.0
_UNKNOWN_KID_SECONDS = 5.0
_PUBLISHED_SECONDS = 3.0  # how old the published document may be, so that a dropped key leaves it within five seconds

log = structlog.get_logger(__name__)


class NoSigningKey(Exception):
    """No key exists that could sign now."""


@dataclass(frozen=True, slots=True)
class PublishedKey:
    """One key, parsed. Times are the row's."""

    kid: str
    private: RSAPrivateKey
    public: RSAPublicKey
    activated_at: datetime
    retired_at: datetime | None
    expires_at: datetime | None


class KeyRing:
    """All published keys, by the exact header that tokens signed by them carry."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._parsed: dict[str, tuple[RSAPrivateKey, RSAPublicKey]] = {}
        self.forget()

    def forget(self) -> None:
        """Look at the database before the next use."""
        self._keys: tuple[PublishedKey, ...] = ()
        self._by_header: Mapping[str, PublishedKey] = {}
        self._by_kid: Mapping[str, PublishedKey] = {}
        self._looked_at = self._asked_at = self._searched_at = float("-inf")
        self._is_cut_off = False

    def load(self) -> None:
        """Look at the keys before the first request. A database that is not up yet is no fault."""
        try:
            self._refresh(0)
        except DatabaseError as error:
            log.warning("signing_keys_not_loaded", error=type(error).__name__)

    def outdate(self) -> None:
        """Look at the database before the next use, and go on with what is known where it can't be reached."""
        self._looked_at = float("-inf")

    def signing(self, *, now: datetime, kid: str | None = None) -> PublishedKey:
        """Return the key to sign with: the one that the database has named, else the one activated last.

        Raises: NoSigningKey.
        """
        self._refresh(_FRESH_SECONDS)
        if kid is not None:
            named = self._by_kid.get(kid)
            if named is None:
                self._refresh(0)  # made a moment ago, by another process
                with self._lock:  # whoever is looking at this moment may bring it
                    named = self._by_kid.get(kid)
            if named is not None:
                return named
        usable = [key for key in self._keys if key.retired_at is None or key.retired_at > now]
        if not usable:
            raise NoSigningKey
        # Should the clocks disagree so much that none is active yet, the oldest serves.
        active = [key for key in usable if key.activated_at <= now]
        return max(active, key=_activated_at) if active else min(usable, key=_activated_at)

    def kid_of(self, header: str) -> str | None:
        """Return the id of the published key that made an encoded header."""
        key = self._by_header.get(header)
        return key.kid if key else None

    def verifying(self, header: str) -> RSAPublicKey | None:
        """Return the public key for an encoded header, ``None`` when no published key ever made such a header.

        We know each header that we write to the letter. So nothing in a presented one is believed or even read: not
        ``alg``, ``jku``, ``jwk``, ``x5u`` or ``crit``, no second spelling, no member twice (RFC 8725, 3.1 and 3.10).

        Raises: OperationalError, when the key is unknown and the database, which may know it, can't be asked.
        """
        self._refresh(_FRESH_SECONDS)
        key = self._by_header.get(header)
        if key is None and (kid := _well_formed_kid(header)) is not None and kid not in self._parsed:
            # A key that another process has just made. Junk can ask for it once in five seconds, so it costs nothing.
            # Looks for other reasons don't count: the key may be newer than the last one, and the database gone since.
            if time.monotonic() - self._searched_at >= _UNKNOWN_KID_SECONDS:
                self._searched_at = time.monotonic()
                self._refresh(0)
            with self._lock:  # whoever is looking at this moment may bring it
                key = self._by_header.get(header)
            if key is None and self._is_cut_off:
                raise OperationalError("The database can't be asked for a signing key that is not known here.")
        return key.public if key else None

    def jwks(self) -> list[dict[str, Any]]:
        """Return the published keys as JSON Web Keys (RFC 7517)."""
        self._refresh(_PUBLISHED_SECONDS)
        return [_as_jwk(key) for key in self._keys]

    def _refresh(self, older_than: float) -> None:
        if self._will_do(older_than) or not self._lock.acquire(blocking=not self._keys):
            return  # fresh, or another thread is looking and there is an older view to go on with
        try:
            if self._will_do(older_than):
                return
            self._asked_at = started = time.monotonic()
            self._load()
            self._looked_at = started
            self._is_cut_off = False
        except DatabaseError:
            self._is_cut_off = True
            if not self._keys:
                raise
        finally:
            self._lock.release()

    def _will_do(self, older_than: float) -> bool:
        """Whether this view is fresh enough, or the database was asked in vain a moment ago."""
        now = time.monotonic()
        was_in_vain = self._is_cut_off and bool(self._keys) and now - self._asked_at < _UNKNOWN_KID_SECONDS
        return was_in_vain or now - self._looked_at < older_than

    def _load(self) -> None:
        rows = SigningKey.objects.filter(Q(expires_at__isnull=True) | Q(expires_at__gt=Now())).order_by("activated_at")
        keys = tuple(self._parse(row) for row in rows)
        self._parsed = {key.kid: (key.private, key.public) for key in keys}
        self._by_header = {encoded_header(key.kid): key for key in keys}
        self._by_kid = {key.kid: key for key in keys}
        self._keys = keys

    def _parse(self, row: SigningKey) -> PublishedKey:
        private, public = self._parsed.get(row.kid) or (
            cast("RSAPrivateKey", load_pem_private_key(row.private_key.encode(), password=None)),
            cast("RSAPublicKey", load_pem_public_key(row.public_key.encode())),
        )
        return PublishedKey(row.kid, private, public, row.activated_at, row.retired_at, row.expires_at)


def encoded_header(kid: str) -> str:
    """Return the one header, base64url-encoded, of tokens signed by this key."""
    header = json.dumps({"alg": ALGORITHM, "kid": kid, "typ": TYPE}, separators=(",", ":"), sort_keys=True)
    return base64url.encode(header.encode())


def _well_formed_kid(header: str) -> str | None:
    """Return the key id of a header that is ours to the letter but for the id."""
    if len(header) != len(encoded_header("-" * 43)):  # a SHA-256 thumbprint in base64url
        return None
    try:
        kid = json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))["kid"]
    except (ValueError, KeyError, TypeError):
        return None
    return kid if isinstance(kid, str) and encoded_header(kid) == header else None


def _activated_at(key: PublishedKey) -> datetime:
    return key.activated_at


def _as_jwk(key: PublishedKey) -> dict[str, Any]:
    jwk = RSAAlgorithm.to_jwk(key.public, as_dict=True)
    return {"kty": jwk["kty"], "use": "sig", "alg": ALGORITHM, "kid": key.kid, "n": jwk["n"], "e": jwk["e"]}


keyring = KeyRing()
