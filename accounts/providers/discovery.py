"""What an issuer publishes about itself, and its keys: fetched once in a while, not at every sign-in."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import structlog

from accounts.errors import ProviderUnavailable, SocialTokenInvalid
from accounts.providers import transport
from accounts.providers.registry import Provider

log = structlog.get_logger(__name__)

Document = Mapping[str, Any]

FRESH_SECONDS = 3600.0
# While the issuer doesn't answer, what it said before goes on being used for so long.
KEPT_SECONDS = 24 * 3600.0
# No sooner than this is a failed look repeated, and are keys fetched anew for a kid that nobody knows.
PAUSE_SECONDS = 5.0
_REQUIRED = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_OPTIONAL = ("userinfo_endpoint",)
_PATH = "/.well-known/openid-configuration"


@dataclass(slots=True)
class _Entry:
    document: Document
    fetched_at: float
    looked_at: float


class Documents:
    """JSON documents by address, each fetched by one thread at a time."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._entries: dict[str, _Entry] = {}
        self._failed_at: dict[str, float] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._guard = threading.Lock()

    def get(self, url: str, *, check: Callable[[Document], None], is_stale: bool = False) -> Document:
        """Return a document; with ``is_stale`` a newer one than is known, unless that was fetched just now.

        Raises: ProviderUnavailable.
        """
        entry = self._entries.get(url)
        if entry is not None and not self._is_due(entry, is_stale=is_stale):
            return entry.document
        with self._lock(url):
            entry = self._entries.get(url)
            if entry is not None and not self._is_due(entry, is_stale=is_stale):
                return entry.document
            return self._look(url, entry, check)

    def forget(self) -> None:
        """Fetch everything anew when next asked for it."""
        self._entries.clear()
        self._failed_at.clear()

    def _is_due(self, entry: _Entry, *, is_stale: bool) -> bool:
        now = self._clock()
        if now - entry.looked_at < PAUSE_SECONDS:
            return False
        return is_stale or now - entry.fetched_at > FRESH_SECONDS

    def _look(self, url: str, entry: _Entry | None, check: Callable[[Document], None]) -> Document:
        now = self._clock()
        if now - self._failed_at.get(url, -PAUSE_SECONDS) < PAUSE_SECONDS and entry is None:
            raise ProviderUnavailable(reason="failed_just_now")
        try:
            document = transport.get_json(url)
            check(document)
        except (ProviderUnavailable, SocialTokenInvalid) as error:
            log.warning("provider_document_unavailable", url=url, reason=error.context.get("reason"))
            self._failed_at[url] = now
            if entry is None or now - entry.fetched_at > KEPT_SECONDS:
                raise ProviderUnavailable(reason=str(error.context.get("reason"))) from None
            entry.looked_at = now
            return entry.document
        self._failed_at.pop(url, None)
        self._entries[url] = _Entry(document=document, fetched_at=now, looked_at=now)
        return document

    def _lock(self, url: str) -> threading.Lock:
        with self._guard:
            return self._locks.setdefault(url, threading.Lock())


documents = Documents()


def metadata(provider: Provider) -> Document:
    """Return what the issuer says of itself (OpenID Connect Discovery, 4).

    Raises: ProviderUnavailable.
    """

    def check(document: Document) -> None:
        if document.get("issuer") != provider.issuer:
            raise SocialTokenInvalid(reason="foreign_issuer")  # 4.3
        for name in (*_REQUIRED, *_OPTIONAL):
            address = document.get(name)
            if address is None and name in _OPTIONAL:
                continue
            if not _is_acceptable(address, issuer=provider.issuer):
                raise SocialTokenInvalid(reason=f"unusable_{name}")

    return documents.get(provider.issuer.rstrip("/") + _PATH, check=check)


def key(url: str, *, kid: str) -> Mapping[str, Any] | None:
    """Return the published key of this id, ``None`` when the issuer has no such key.

    Keys are looked up anew for an id that is not among those known: they were rotated (OpenID Connect Core, 10.1.1).

    Raises: ProviderUnavailable.
    """
    found = _of_kid(documents.get(url, check=_check_keys), kid)
    return found or _of_kid(documents.get(url, check=_check_keys, is_stale=True), kid)


def _of_kid(document: Document, kid: str) -> Mapping[str, Any] | None:
    keys = [each for each in document["keys"] if isinstance(each, dict) and each.get("kid") == kid]
    return keys[0] if len(keys) == 1 else None


def _check_keys(document: Document) -> None:
    if not isinstance(document.get("keys"), list):
        raise SocialTokenInvalid(reason="unreadable_keys")


def _is_acceptable(address: Any, *, issuer: str) -> bool:
    if not isinstance(address, str):
        return False
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    # In the clear only where the operator configured it so, which only development permits.
    schemes = ("https", "http") if issuer.startswith("http://") else ("https",)
    return parts.scheme in schemes and bool(parts.hostname)
