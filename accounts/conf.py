"""Settings of this app, read from ``settings.ACCOUNTS``."""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Literal

from cedrina_base.app_settings import AppSettings
from ratelimiting.algorithms.backoff import Backoff

Confirmation = Literal["required", "optional"]


class AccountSettings(AppSettings):
    """The dict ``settings.ACCOUNTS``."""

    SETTING = "ACCOUNTS"

    @property
    def EMAIL_CONFIRMATION(self) -> Confirmation:
        """Whether an address must be confirmed before its owner can sign in.

        ``required`` also keeps registrations apart from accounts until then, so that free and taken addresses are
        answered alike.
        """
        return self._get("EMAIL_CONFIRMATION", "required")

    @property
    def EMAIL_CONFIRMATION_TTL(self) -> timedelta:
        """How long the link that confirms an address is good for, and a registration waits for it with its username."""
        return self._get("EMAIL_CONFIRMATION_TTL", timedelta(days=1))

    @property
    def PASSWORD_RESET_TTL(self) -> timedelta:
        """How long the link to a new password is good for, from the sending on (OWASP ASVS 5.0, 6.5.5)."""
        return self._get("PASSWORD_RESET_TTL", timedelta(minutes=10))

    @property
    def PASSWORD_MIN_LENGTH(self) -> int:
        """Characters that a new password needs at least (NIST SP 800-63B, 3.1.1.2)."""
        return self._get("PASSWORD_MIN_LENGTH", 12)

    @property
    def PASSWORD_MIN_SCORE(self) -> int:
        """The least strength of a new password, 0 to 4, as zxcvbn estimates it; 3 means 10^8 guesses and more."""
        return self._get("PASSWORD_MIN_SCORE", 3)

    @property
    def PASSWORD_HISTORY(self) -> int:
        """How many of a person's latest passwords, the current one included, can't be chosen again."""
        return self._get("PASSWORD_HISTORY", 5)

    @property
    def BCRYPT_ROUNDS(self) -> int:
        """The cost of a password hash, as a power of two; cheaper hashes are upgraded at the next sign-in."""
        return self._get("BCRYPT_ROUNDS", 12)

    @property
    def HASHING_THREADS(self) -> int:
        """How many passwords one process hashes at a time. More than it has cores only steals from requests."""
        return self._get("HASHING_THREADS", 2)

    @property
    def HASHING_QUEUE(self) -> int:
        """How many hashes may wait for a thread; beyond that callers are sent away with 503."""
        return self._get("HASHING_QUEUE", 64)

    @property
    def HASHING_WAIT(self) -> timedelta:
        """How long a hash may wait for a thread before its caller is sent away with 503."""
        return self._get("HASHING_WAIT", timedelta(seconds=6))

    @property
    def HASHING_NICENESS(self) -> int:
        """By how much the hashing threads stand back for the others, where the system knows priorities of threads."""
        return self._get("HASHING_NICENESS", 1)

    @property
    def WHILE_HASHING(self) -> str | None:
        """Dotted path of a factory of context managers, entered while a request waits for its hash.

        A server with few slots for requests can so give the slot to another one in the meantime.
        """
        return self._get("WHILE_HASHING", None)

    @property
    def RESERVED_USERNAMES(self) -> frozenset[str]:
        """Names in lower case that nobody can register, because readers would take them for the operator.

        Whatever is set, what this installation calls itself in authenticator applications is one of them.
        """
        return frozenset(self._get("RESERVED_USERNAMES", DEFAULT_RESERVED_USERNAMES)) | self._own_names()

    def _own_names(self) -> frozenset[str]:
        words = re.findall(r"[a-z0-9]+", self.TOTP_ISSUER.lower())
        return frozenset(joint.join(words) for joint in ("", "-", "_") if words)

    @property
    def PUBLIC_URL(self) -> str:
        """Where people reach this installation; mail names no other place."""
        return self._get("PUBLIC_URL", "")

    @property
    def ADMIN_LOGIN_RATE(self) -> str:
        """Sign-in attempts at the admin for one client address, in django-ratelimit's notation."""
        return self._get("ADMIN_LOGIN_RATE", "10/m")

    @property
    def MAILED_PAGE_RATE(self) -> str:
        """Forms sent on the pages behind mailed links by one client address, in the same notation."""
        return self._get("MAILED_PAGE_RATE", "30/m")

    @property
    def SOCIAL_PROVIDERS(self) -> Sequence[Mapping[str, Any]]:
        """The providers by which people may sign in, each as ``docs/social-sign-in.md`` describes it."""
        return self._get("SOCIAL_PROVIDERS", ())

    @property
    def WHILE_WAITING(self) -> str | None:
        """Dotted path of a factory of context managers, entered while a request waits for a provider."""
        return self._get("WHILE_WAITING", None)

    @property
    def TOTP_ISSUER(self) -> str:
        """What authenticator applications and security keys call this installation."""
        return self._get("TOTP_ISSUER", "") or self.WEBAUTHN_RP_ID

    @property
    def WEBAUTHN_RP_ID(self) -> str:
        """The domain that security keys and passkeys are made for. With another one all of them are lost."""
        return self._get("WEBAUTHN_RP_ID", "localhost")

    @property
    def WEBAUTHN_ORIGINS(self) -> tuple[str, ...]:
        """The origins of the pages on which security keys and passkeys are accepted, exactly as browsers write them."""
        return tuple(self._get("WEBAUTHN_ORIGINS", ()))

    @property
    def DELETION_RETENTION(self) -> timedelta:
        """How long a deleted account can be restored before the person is erased."""
        return self._get("DELETION_RETENTION", timedelta(days=30))

    @property
    def SIGN_IN_BACKOFF(self) -> dict[str, Backoff]:
        """How many wrong passwords are free and how waits grow after them, by what they are counted by.

        Strangers by ``account``, account and network (``pair``) and ``network``, others by ``device`` and ``session``;
        second factors by ``factor``, ``factor_network``, ``factor_device`` and ``factor_session``. What is named here
        replaces the default of that name.
        """
        return {**DEFAULT_SIGN_IN_BACKOFF, **self._get("SIGN_IN_BACKOFF", {})}


DEFAULT_RESERVED_USERNAMES = (
    "admin",
    "administrator",
    "anonymous",
    "api",
    "cedrina",
    "everyone",
    "guest",
    "help",
    "hostmaster",
    "me",
    "mod",
    "moderator",
    "noreply",
    "no-reply",
    "nobody",
    "null",
    "operator",
    "postmaster",
    "root",
    "security",
    "self",
    "staff",
    "superuser",
    "support",
    "sysadmin",
    "system",
    "undefined",
    "webmaster",
)

HOUR = 3600
DEFAULT_SIGN_IN_BACKOFF = {
    # At most 8 checks in any hour by all strangers together; 16 for who tries the username and the address.
    "account": Backoff(free=5, first=300, longest=HOUR, forgiven_after=HOUR),
    # Forgiven more slowly, so that one network alone can't keep the account closed to all others.
    "pair": Backoff(free=5, first=300, longest=4 * HOUR, forgiven_after=6 * HOUR),
    # Many people may share one address.
    "network": Backoff(free=100, first=60, longest=900, forgiven_after=60),
    "device": Backoff(free=10, first=60, longest=900, forgiven_after=600),
    "session": Backoff(free=5, first=60, longest=HOUR, forgiven_after=HOUR),
    # Codes of six digits, tried by all strangers together who know the password: 35 looks in the worst day, 12 a day in
    # the long run. One network alone does not use this up.
    "factor": Backoff(free=20, first=HOUR, longest=24 * HOUR, forgiven_after=2 * HOUR),
    "factor_network": Backoff(free=5, first=900, longest=24 * HOUR, forgiven_after=6 * HOUR),
    "factor_device": Backoff(free=5, first=900, longest=24 * HOUR, forgiven_after=6 * HOUR),
    "factor_session": Backoff(free=5, first=900, longest=24 * HOUR, forgiven_after=6 * HOUR),
}

account_settings = AccountSettings()
