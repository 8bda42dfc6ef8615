"""The metadata and the keys that an issuer publishes, kept in the memory of the process.

They are fetched once an hour instead of at each sign-in, and used for a day while the issuer does not answer.
Authlib's ``OpenIDProviderMetadata`` is not used: it accepts ``http`` on loopback from any issuer, and refuses a whole
document for a member that nobody reads.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import structlog
from authlib.oidc.discovery import get_well_known_url

from accounts.errors import ProviderUnavailable, SocialTokenInvalid
from accounts.providers import transport
from accounts.providers.registry import Provider

log = structlog.get_logger(__name__)

Document = Mapping[str, Any]

FRESH_SECONDS = 3600.0
# How long an old document is used while the issuer does not answer.
MAX_STALE_SECONDS = 24 * 3600.0
# The shortest time between two requests: after a failure, and for the keys when a token names an unknown one.
RETRY_SECONDS = 5.0
_REQUIRED = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_OPTIONAL = ("userinfo_endpoint",)


@dataclass(slots=True)
class _Entry:
    document: Document
    fetched_at: float
    tried_at: float


class DocumentCache:
    """JSON documents by address. Each is fetched by one thread at a time; the others wait for it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._entries: dict[str, _Entry] = {}
        self._failed_at: dict[str, float] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._guard = threading.Lock()

    def get(self, url: str, *, check: Callable[[Document], None], is_stale: bool = False) -> Document:
        """Return a document that ``check`` accepts; with ``is_stale`` fetch it again, unless that was done just now.

        Raises: ProviderUnavailable.
        """
        entry = self._entries.get(url)
        if entry is not None and not self._is_due(entry, is_stale=is_stale):
            return entry.document
        with self._lock(url):
            entry = self._entries.get(url)
            if entry is not None and not self._is_due(entry, is_stale=is_stale):
                return entry.document
            return self._fetch(url, entry, check)

    def forget(self) -> None:
        """Drop all documents, so that the next call fetches them."""
        self._entries.clear()
        self._failed_at.clear()

    def _is_due(self, entry: _Entry, *, is_stale: bool) -> bool:
        now = self._clock()
        if now - entry.tried_at < RETRY_SECONDS:
            return False
        return is_stale or now - entry.fetched_at > FRESH_SECONDS

    def _fetch(self, url: str, entry: _Entry | None, check: Callable[[Document], None]) -> Document:
        now = self._clock()
        if now - self._failed_at.get(url, -RETRY_SECONDS) < RETRY_SECONDS and entry is None:
            raise ProviderUnavailable(reason="failed_just_now")
        try:
            document = transport.get_json(url)
            check(document)
        except (ProviderUnavailable, SocialTokenInvalid) as error:
            log.warning("provider_document_unavailable", url=url, reason=error.context.get("reason"))
            self._failed_at[url] = now
            if entry is None or now - entry.fetched_at > MAX_STALE_SECONDS:
                raise ProviderUnavailable(reason=str(error.context.get("reason"))) from None
            entry.tried_at = now
            return entry.document
        self._failed_at.pop(url, None)
        self._entries[url] = _Entry(document=document, fetched_at=now, tried_at=now)
        return document

    def _lock(self, url: str) -> threading.Lock:
        with self._guard:
            return self._locks.setdefault(url, threading.Lock())


document_cache = DocumentCache()


def metadata(provider: Provider) -> Document:
    """Return the metadata of a provider's issuer (OpenID Connect Discovery, 4).

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

    return document_cache.get(get_well_known_url(provider.issuer, external=True), check=check)


def key(url: str, *, kid: str) -> Mapping[str, Any] | None:
    """Return the published key with this id; ``None`` when the issuer has no such key.

    For an unknown id the keys are fetched again, because they may have been rotated (OpenID Connect Core, 10.1.1).

    Raises: ProviderUnavailable.
    """
    found = _of_kid(document_cache.get(url, check=_check_keys), kid)
    return found or _of_kid(document_cache.get(url, check=_check_keys, is_stale=True), kid)


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
    # Without TLS only for an issuer that is configured so, which the settings allow in development only.
    schemes = ("https", "http") if issuer.startswith("http://") else ("https",)
    return parts.scheme in schemes and bool(parts.hostname)
