"""Settings of this app, read from ``settings.ACCOUNTS``."""

from datetime import timedelta
from typing import Literal, TypeVar, cast

from django.conf import settings

T = TypeVar("T")

Confirmation = Literal["required", "optional"]


class AccountSettings:
    """``settings.ACCOUNTS``, read on every access so that ``override_settings`` just works."""

    NAMES = (
        "EMAIL_CONFIRMATION",
        "PASSWORD_MIN_LENGTH",
        "PASSWORD_MIN_SCORE",
        "PASSWORD_HISTORY",
        "BCRYPT_ROUNDS",
        "HASHING_THREADS",
        "HASHING_QUEUE",
        "HASHING_NICENESS",
        "WHILE_HASHING",
        "RESERVED_USERNAMES",
        "PUBLIC_URL",
        "ADMIN_LOGIN_RATE",
        "DELETION_RETENTION",
    )

    def _get(self, name: str, default: T) -> T:
        return cast("T", getattr(settings, "ACCOUNTS", {}).get(name, default))

    @property
    def EMAIL_CONFIRMATION(self) -> Confirmation:  # noqa: N802 - the setting's name
        """Whether an address must be confirmed before its owner can sign in.

        ``required`` also makes registration answer alike for free and taken addresses.
        """
        return self._get("EMAIL_CONFIRMATION", "required")

    @property
    def PASSWORD_MIN_LENGTH(self) -> int:  # noqa: N802
        """Characters that a new password needs at least (NIST SP 800-63B, 3.1.1.2)."""
        return self._get("PASSWORD_MIN_LENGTH", 12)

    @property
    def PASSWORD_MIN_SCORE(self) -> int:  # noqa: N802
        """The least strength of a new password, 0 to 4, as zxcvbn estimates it; 3 means 10^8 guesses and more."""
        return self._get("PASSWORD_MIN_SCORE", 3)

    @property
    def PASSWORD_HISTORY(self) -> int:  # noqa: N802
        """How many of a person's latest passwords, the current one included, can't be chosen again."""
        return self._get("PASSWORD_HISTORY", 5)

    @property
    def BCRYPT_ROUNDS(self) -> int:  # noqa: N802
        """The cost of a password hash, as a power of two; cheaper hashes are upgraded at the next sign-in."""
        return self._get("BCRYPT_ROUNDS", 12)

    @property
    def HASHING_THREADS(self) -> int:  # noqa: N802
        """How many passwords one process hashes at a time. More than it has cores only steals from requests."""
        return self._get("HASHING_THREADS", 2)

    @property
    def HASHING_QUEUE(self) -> int:  # noqa: N802
        """How many hashes may wait for a thread; beyond that callers are sent away with 503."""
        return self._get("HASHING_QUEUE", 64)

    @property
    def HASHING_NICENESS(self) -> int:  # noqa: N802
        """By how much the hashing threads stand back for the others, where the system knows priorities of threads."""
        return self._get("HASHING_NICENESS", 1)

    @property
    def WHILE_HASHING(self) -> str | None:  # noqa: N802
        """Dotted path of a factory of context managers, entered while a request waits for its hash.

        A server with few slots for requests can so give the slot to another one in the meantime.
        """
        return self._get("WHILE_HASHING", None)

    @property
    def RESERVED_USERNAMES(self) -> frozenset[str]:  # noqa: N802
        """Names in lower case that nobody can register, because readers would take them for the operator."""
        return frozenset(self._get("RESERVED_USERNAMES", DEFAULT_RESERVED_USERNAMES))

    @property
    def PUBLIC_URL(self) -> str:  # noqa: N802
        """Where people reach this installation; mail names no other place."""
        return self._get("PUBLIC_URL", "")

    @property
    def ADMIN_LOGIN_RATE(self) -> str:  # noqa: N802
        """Sign-in attempts at the admin for one client address, in django-ratelimit's notation."""
        return self._get("ADMIN_LOGIN_RATE", "10/m")

    @property
    def DELETION_RETENTION(self) -> timedelta:  # noqa: N802
        """How long a deleted account can be restored before the person is erased."""
        return self._get("DELETION_RETENTION", timedelta(days=30))


DEFAULT_RESERVED_USERNAMES = (
    "admin", "administrator", "anonymous", "api", "everyone", "guest", "help", "hostmaster", "me", "mod", "moderator",
    "noreply", "no-reply", "nobody", "null", "operator", "postmaster", "root", "security", "self", "staff", "superuser",
    "support", "sysadmin", "system", "undefined", "webmaster",
)  # fmt: skip

account_settings = AccountSettings()
