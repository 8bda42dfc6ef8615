"""Settings of this app, read from ``settings.TOKENS``."""

from collections.abc import Callable, Mapping, Sequence
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
        """The ``iss`` of access tokens, and the base of the URLs in the server metadata (RFC 8414, 2)."""
        return self._get("ISSUER", "http://127.0.0.1:8000")

    @property
    def AUDIENCE(self) -> str:
        """The ``aud`` of access tokens (RFC 9068, 3)."""
        return self._get("AUDIENCE", "cedrina")

    @property
    def ACCESS_TOKEN_ALGORITHM(self) -> str:
        """The ``alg`` of new signing keys: ``RS256``, ``ES256`` or ``EdDSA`` (Ed25519).

        Existing keys stay as they are: after a change, ``rotate_signing_key`` makes a key of the new algorithm.
        """
        return self._get("ACCESS_TOKEN_ALGORITHM", "RS256")

    @property
    def ACCESS_TTL(self) -> timedelta:
        """The longest lifetime of an access token. Services that verify offline accept a revoked token for as long."""
        return self._get("ACCESS_TTL", timedelta(minutes=15))

    @property
    def SESSION_IDLE_TTL(self) -> timedelta:
        """The time without use after which a session expires (OWASP ASVS 5.0, 7.3.1)."""
        return self._get("SESSION_IDLE_TTL", timedelta(days=7))

    @property
    def SESSION_ABSOLUTE_TTL(self) -> timedelta:
        """The age at which a session expires even if it is used (OWASP ASVS 5.0, 7.3.2)."""
        return self._get("SESSION_ABSOLUTE_TTL", timedelta(days=30))

    @property
    def REFRESH_RACE_TTL(self) -> timedelta:
        """For this long, a client that presents the previous refresh token again gets the same successor.

        Tabs of one browser do so when they refresh at once. It must be the client that received the successor last: the
        same network and the same kind of user agent.
        """
        return self._get("REFRESH_RACE_TTL", timedelta(seconds=10))

    @property
    def REFRESH_LOST_REPLY_TTL(self) -> timedelta:
        """For this long, an unused successor is returned again, within ``REFRESH_OWN_REPEATS`` and _FOREIGN_REPEATS."""
        return self._get("REFRESH_LOST_REPLY_TTL", timedelta(hours=24))

    @property
    def REFRESH_OWN_REPEATS(self) -> int:
        """Allowed consecutive generations with a lost response; one more is reuse (RFC 9700, 4.14.2)."""
        return self._get("REFRESH_OWN_REPEATS", 10)

    @property
    def REFRESH_FOREIGN_REPEATS(self) -> int:
        """How many of these generations a client may repeat that is not the one that received the successor."""
        return self._get("REFRESH_FOREIGN_REPEATS", 2)

    @property
    def REFRESH_KEY_EPOCH(self) -> int:
        """The lowest epoch (1 to 255) of the key that refresh tokens are made with.

        ``rotate_refresh_key`` counts on from it.
        """
        return self._get("REFRESH_KEY_EPOCH", 1)

    @property
    def JWKS_PROPAGATION_TTL(self) -> timedelta:
        """How long a new signing key is published before it signs."""
        return self._get("JWKS_PROPAGATION_TTL", timedelta(minutes=10))

    @property
    def MAX_SESSIONS_PER_USER(self) -> int:
        """How many live sessions of each kind a user may have."""
        return self._get("MAX_SESSIONS_PER_USER", 5)

    @property
    def SESSION_OVERFLOW(self) -> str:
        """At one session too many, ``evict_oldest`` ends the oldest and ``reject`` refuses the new one.

        Sessions of the admin's pages always end the oldest.
        """
        return self._get("SESSION_OVERFLOW", EVICT_OLDEST)

    @property
    def FIELD_ENCRYPTION_KEYS(self) -> Sequence[tuple[str, bytes]]:
        """Keys of encrypted columns as (id, 32 bytes): the first encrypts, all decrypt.

        Without any, a key is derived from ``SECRET_KEY``, so that a project can try the app without this setting.
        """
        return self._get("FIELD_ENCRYPTION_KEYS", ()) or _derived_key(settings.SECRET_KEY)

    @property
    def ROLES(self) -> Callable[[Any], list[str]]:
        """Dotted path of a function ``(user) -> list`` for the ``roles`` claim. It must not query the database."""
        return self._function("ROLES", "tokens.conf.no_roles")

    @property
    def TIER(self) -> Callable[[Any], str | None]:
        """Dotted path of a function ``(user) -> str | None`` for the ``tier`` claim. It must not query the database."""
        return self._function("TIER", "tokens.conf.no_tier")

    @property
    def MAY(self) -> Callable[[Any, str], bool]:
        """Dotted path of a function ``(user, action) -> bool`` that decides whether an operator may do an action.

        Actions are ``sessions:read``, ``sessions:end``, ``keys:read``, ``tokens:introspect``, ``service_clients:read``,
        ``service_clients:change``, ``ssf:read`` and ``ssf:manage``. It is asked about operators only: the scopes of a
        service client are all that the client may do.
        """
        return self._function("MAY", "tokens.conf.allow_superusers")

    @property
    def MAY_ACT_AS_CLIENT(self) -> Callable[[Any, Any], bool]:
        """Dotted path of a function ``(user, client) -> bool``: whether an operator may get a client's credentials.

        Its scopes are compared without it. It is for what a project lets the client do besides, such as by roles.
        """
        return self._function("MAY_ACT_AS_CLIENT", "tokens.conf.allow_every_client")

    @property
    def API_PERMISSIONS(self) -> Callable[[str], Sequence[Any]]:
        """Dotted path of a function ``(action) -> list`` of permissions of Django REST framework.

        They guard the calls by which operators register service clients, and those of shared signals. The default asks
        ``MAY``.
        """
        return self._function("API_PERMISSIONS", "tokens.api.permissions.from_setting_may")

    @property
    def CLIENT_LIMIT(self) -> Callable[[str | None, str | None], int]:
        """Dotted path of a function ``(client_id, address) -> seconds`` that counts authentications of service clients.

        It is called after each: with the id of the client, or with ``None`` if the client was not authenticated. If it
        returns more than 0, the request is answered 429. A failed authentication must not be counted against the
        client that it names, or anybody could lock a client out. There is no limit by default.
        """
        return self._function("CLIENT_LIMIT", "tokens.conf.no_client_limit")

    @property
    def FURTHER_JWKS(self) -> Callable[[], Sequence[Mapping[str, Any]]]:
        """Dotted path of a function that returns further public keys as JSON Web Keys (RFC 7517).

        They are published beside the signing keys, for something other than tokens: no token is verified by them.
        """
        return self._function("FURTHER_JWKS", "tokens.conf.no_further_jwks")

    @property
    def HAS_SECOND_FACTOR(self) -> Callable[[Any], bool]:
        """Dotted path of a function ``(user) -> bool``: whether endpoints can require a second factor of the user."""
        return self._function("HAS_SECOND_FACTOR", "tokens.conf.no_second_factor")

    @property
    def SSF_EMAIL_SUBJECTS(self) -> bool:
        """Whether streams of shared signals may ask to get people named by their e-mail addresses (RFC 9493, 3.2.2).

        Every receiver that asks for it learns the address of everybody whose session ends. Otherwise people are named
        by issuer and id, as in access tokens.
        """
        return self._get("SSF_EMAIL_SUBJECTS", default=False)

    @property
    def CONFIRMED_EMAIL(self) -> Callable[[Any], str]:
        """Dotted path of a function ``(user) -> str``: the address of a user, empty while nobody has confirmed it."""
        return self._function("CONFIRMED_EMAIL", "tokens.conf.no_confirmed_email")

    @property
    def USER_OF_EMAIL(self) -> Callable[..., str]:
        """Dotted path of a function ``(*, address) -> id`` of the user who has confirmed an address, empty for none."""
        return self._function("USER_OF_EMAIL", "tokens.conf.no_user_of_email")

    @property
    def ACTIVE_USER(self) -> Mapping[str, bool | None]:
        """The fields, and their values, of a user whose tokens are accepted. A field must hold a boolean or be NULL.

        The default is ``{"is_active": True}`` if the user model has this field, otherwise every user is active. It is
        read once.
        """
        return self._get("ACTIVE_USER", {})


def no_roles(_user: Any) -> list[str]:
    """Return no roles. This is the default of ``ROLES``."""
    return []


def no_tier(_user: Any) -> str | None:
    """Return no tier, so access tokens have no such claim. This is the default of ``TIER``."""
    return None


def no_second_factor(_user: Any) -> bool:
    """Return that the user has no second factor. This is the default of ``HAS_SECOND_FACTOR``."""
    return False


def no_confirmed_email(_user: Any) -> str:
    """Return no address. This is the default of ``CONFIRMED_EMAIL``."""
    return ""


def no_user_of_email(*, address: str) -> str:
    """Know no addresses. This is the default of ``USER_OF_EMAIL``."""
    del address
    return ""


def no_client_limit(_client_id: str | None, _address: str | None) -> int:
    """Return that nobody has to wait. This is the default of ``CLIENT_LIMIT``."""
    return 0


def allow_every_client(_user: Any, _client: Any) -> bool:
    """For ``MAY_ACT_AS_CLIENT``, the default: clients have nothing but their scopes."""
    return True


def allow_superusers(user: Any, action: str) -> bool:
    """Allow superusers everything, service clients what their scopes name, and nothing to others.

    This is the default of ``MAY``.
    """
    if getattr(user, "is_service_client", False):
        return action in user.scopes
    return bool(getattr(user, "is_superuser", False))


@lru_cache(maxsize=4)
def _derived_key(secret: str) -> tuple[tuple[str, bytes], ...]:
    return (("derived", sha256(b"cedrina field encryption\0" + secret.encode()).digest()),)


token_settings = TokenSettings()


def no_further_jwks() -> Sequence[Mapping[str, Any]]:
    """Publish signing keys only. This is the default of ``FURTHER_JWKS``."""
    return ()
