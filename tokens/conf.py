"""Settings of this app, read from ``settings.TOKENS``."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import lru_cache
from hashlib import sha256
from typing import Any

from django.conf import settings

from cedrina_base.app_settings import AppSettings

EVICT_OLDEST = "evict_oldest"
REJECT = "reject"


class TokenSettings(AppSettings):
    """The dict ``settings.TOKENS``."""

    SETTING = "TOKENS"

    @property
    def ISSUER(self) -> str:
        """The ``iss`` of access tokens and the base of the metadata's addresses (RFC 8414, 2)."""
        return self._get("ISSUER", "http://127.0.0.1:8000")

    @property
    def AUDIENCE(self) -> str:
        """The ``aud`` of access tokens (RFC 9068, 3)."""
        return self._get("AUDIENCE", "cedrina")

    @property
    def ACCESS_TTL(self) -> timedelta:
        """How long an access token lives at most. Services that verify offline accept it for this long."""
        return self._get("ACCESS_TTL", timedelta(minutes=15))

    @property
    def SESSION_IDLE_TTL(self) -> timedelta:
        """After how long without use a session expires (OWASP ASVS 5.0, 7.3.1)."""
        return self._get("SESSION_IDLE_TTL", timedelta(days=7))

    @property
    def SESSION_ABSOLUTE_TTL(self) -> timedelta:
        """After how long a session expires however much it is used (OWASP ASVS 5.0, 7.3.2)."""
        return self._get("SESSION_ABSOLUTE_TTL", timedelta(days=30))

    @property
    def REFRESH_RACE_TTL(self) -> timedelta:
        """For how long a client whose tabs race with the same refresh token gets its one successor in each of them.

        The client is the one that got the successor last: in the same network, with the same kind of user agent.
        """
        return self._get("REFRESH_RACE_TTL", timedelta(seconds=10))

    @property
    def REFRESH_LOST_REPLY_TTL(self) -> timedelta:
        """For how long the successor is given again as long as nobody has used it, within the budgets of repeats."""
        return self._get("REFRESH_LOST_REPLY_TTL", timedelta(hours=24))

    @property
    def REFRESH_OWN_REPEATS(self) -> int:
        """In how many generations in a row a lost reply is forgiven; the next is reuse (RFC 9700, 4.14.2)."""
        return self._get("REFRESH_OWN_REPEATS", 10)

    @property
    def REFRESH_FOREIGN_REPEATS(self) -> int:
        """In how many of them it may be another client that asks again than the one that has the successor."""
        return self._get("REFRESH_FOREIGN_REPEATS", 2)

    @property
    def REFRESH_KEY_EPOCH(self) -> int:
        """Which key (1 to 255), derived from the server's secret, refresh tokens are made with at the least.

        ``rotate_refresh_key`` goes on from it.
        """
        return self._get("REFRESH_KEY_EPOCH", 1)

    @property
    def JWKS_PROPAGATION_TTL(self) -> timedelta:
        """For how long a new signing key is published before anything is signed with it."""
        return self._get("JWKS_PROPAGATION_TTL", timedelta(minutes=10))

    @property
    def MAX_SESSIONS_PER_USER(self) -> int:
        """How many living sessions of each kind a person may have."""
        return self._get("MAX_SESSIONS_PER_USER", 5)

    @property
    def SESSION_OVERFLOW(self) -> str:
        """What happens at one session too many: ``evict_oldest``, as at the admin always, or ``reject``."""
        return self._get("SESSION_OVERFLOW", EVICT_OLDEST)

    @property
    def FIELD_ENCRYPTION_KEYS(self) -> Sequence[tuple[str, bytes]]:
        """Keys of encrypted columns as (id, 32 bytes): the first encrypts, all decrypt.

        Without any, one is derived from the server's secret, so that a project can try the app without more settings.
        """
        return self._get("FIELD_ENCRYPTION_KEYS", ()) or _derived_key(settings.SECRET_KEY)

    @property
    def ROLES(self) -> Callable[[Any], list[str]]:
        """Dotted path of a function that names a user's roles for the ``roles`` claim, without a query."""
        return self._function("ROLES", "tokens.conf.no_roles")

    @property
    def TIER(self) -> Callable[[Any], str | None]:
        """Dotted path of a function that names a user's tier for the ``tier`` claim, without a query."""
        return self._function("TIER", "tokens.conf.no_tier")

    @property
    def MAY(self) -> Callable[[Any, str], bool]:
        """Dotted path of a function ``(user, action)`` that answers whether the user may do what others may not."""
        return self._function("MAY", "tokens.conf.superusers_may")


def no_roles(_user: Any) -> list[str]:
    """Say that nobody has a role: what a project without roles of its own uses."""
    return []


def no_tier(_user: Any) -> str | None:
    """Say that nobody has a tier: access tokens then have no such claim."""
    return None


def superusers_may(user: Any, _action: str) -> bool:
    """Let superusers do everything and nobody else anything."""
    return bool(getattr(user, "is_superuser", False))


@lru_cache(maxsize=4)
def _derived_key(secret: str) -> tuple[tuple[str, bytes], ...]:
    return (("derived", sha256(b"cedrina field encryption\0" + secret.encode()).digest()),)


token_settings = TokenSettings()
