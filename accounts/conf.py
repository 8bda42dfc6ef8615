"""Settings of this app, read from ``settings.ACCOUNTS``."""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Literal

from cedrina_base.app_settings import AppSettings
from ratelimiting.algorithms.backoff import Backoff

ConfirmationMode = Literal["required", "optional"]


class AccountSettings(AppSettings):
    """The dict ``settings.ACCOUNTS``."""

    SETTING = "ACCOUNTS"

    @property
    def EMAIL_CONFIRMATION(self) -> ConfirmationMode:
        """Whether an address must be confirmed before its owner can sign in.

        With ``required``, registrations are stored apart from accounts until then, so that free and taken addresses get
        the same answer.
        """
        return self._get("EMAIL_CONFIRMATION", "required")

    @property
    def RESERVED_DOMAINS(self) -> Sequence[str]:
        """Top-level domains of RFC 2606 whose addresses are accepted, for development.

        Without this setting addresses in ``test``, ``localhost`` and ``example`` are refused: nobody can own them.
        """
        return self._get("RESERVED_DOMAINS", ())

    @property
    def EMAIL_CONFIRMATION_TTL(self) -> timedelta:
        """How long a confirmation link is valid, and how long its registration reserves the username."""
        return self._get("EMAIL_CONFIRMATION_TTL", timedelta(days=1))

    @property
    def PASSWORD_RESET_TTL(self) -> timedelta:
        """How long a password reset link is valid after it was sent (OWASP ASVS 5.0, 6.5.5)."""
        return self._get("PASSWORD_RESET_TTL", timedelta(minutes=10))

    @property
    def INVITATION_TTL(self) -> timedelta:
        """How long the link of an invitation is valid after it was sent. Whoever reads the mail can use it, once."""
        return self._get("INVITATION_TTL", timedelta(days=3))

    @property
    def PASSWORD_MIN_LENGTH(self) -> int:
        """The minimum length of a new password, in characters (NIST SP 800-63B, 3.1.1.2)."""
        return self._get("PASSWORD_MIN_LENGTH", 12)

    @property
    def PASSWORD_MIN_SCORE(self) -> int:
        """The minimum strength of a new password, 0 to 4, as zxcvbn estimates it. 3 means at least 10^8 guesses."""
        return self._get("PASSWORD_MIN_SCORE", 3)

    @property
    def PASSWORD_HISTORY(self) -> int:
        """How many of a user's latest passwords, including the current one, can't be chosen again."""
        return self._get("PASSWORD_HISTORY", 5)

    @property
    def BCRYPT_ROUNDS(self) -> int:
        """The binary logarithm of the cost of a password hash. Cheaper hashes are upgraded at the next sign-in."""
        return self._get("BCRYPT_ROUNDS", 12)

    @property
    def HASHING_THREADS(self) -> int:
        """How many passwords one process hashes at a time. More than the number of cores slows down requests."""
        return self._get("HASHING_THREADS", 2)

    @property
    def HASHING_QUEUE(self) -> int:
        """How many hashes may wait for a thread. Further requests get 503."""
        return self._get("HASHING_QUEUE", 64)

    @property
    def HASHING_WAIT(self) -> timedelta:
        """How long a hash may wait for a thread before its request gets 503."""
        return self._get("HASHING_WAIT", timedelta(seconds=6))

    @property
    def HASHING_NICENESS(self) -> int:
        """The niceness of the hashing threads, on systems with a niceness for each thread."""
        return self._get("HASHING_NICENESS", 1)

    @property
    def WHILE_HASHING(self) -> str | None:
        """Dotted path of a context manager that is entered while a request waits for its hash.

        A server can use it to release what the request holds, for example its database connection.
        """
        return self._get("WHILE_HASHING", None)

    @property
    def RESERVED_USERNAMES(self) -> frozenset[str]:
        """Usernames in lower case that can't be registered, because they look like the operator's.

        APP_NAME and TOTP_ISSUER are always reserved as well.
        """
        reserved = frozenset(self._get("RESERVED_USERNAMES", DEFAULT_RESERVED_USERNAMES))
        return reserved | _as_usernames(self.APP_NAME) | _as_usernames(self.TOTP_ISSUER)

    @property
    def PUBLIC_URL(self) -> str:
        """The URL of this installation, which links in mail begin with."""
        return self._get("PUBLIC_URL", "")

    @property
    def APP_NAME(self) -> str:
        """The name of the application in mails, on pages, in the admin and in authenticator applications."""
        return self._get("APP_NAME", "") or "Cedrina"

    @property
    def APP_URL(self) -> str:
        """The URL of the application, to which mails and pages link back."""
        return self._get("APP_URL", "") or self.PUBLIC_URL

    @property
    def INCIDENT_MAIL(self) -> Sequence[str]:
        """The addresses that are told of incidents of high and critical severity; empty for none."""
        return self._get("INCIDENT_MAIL", ())

    @property
    def SUPPORT_EMAIL(self) -> str:
        """The address that mails and pages give for questions; empty for none."""
        return self._get("SUPPORT_EMAIL", "")

    @property
    def BRAND_LOGO(self) -> str:
        """The path of the application's logo, a PNG file; empty for none."""
        return self._get("BRAND_LOGO", "")

    @property
    def BRAND_COLOUR(self) -> str:
        """The colour of buttons, as ``#rrggbb``."""
        return self._get("BRAND_COLOUR", "") or DEFAULT_COLOUR

    @property
    def ADMIN_LOGIN_RATE(self) -> str:
        """The rate of sign-in attempts at the admin for one client address, in django-ratelimit's notation."""
        return self._get("ADMIN_LOGIN_RATE", "10/m")

    @property
    def MAILED_PAGE_RATE(self) -> str:
        """The rate of forms on the pages of mailed links for one client address, in the same notation."""
        return self._get("MAILED_PAGE_RATE", "30/m")

    @property
    def SOCIAL_PROVIDERS(self) -> Sequence[Mapping[str, Any]]:
        """The sign-in providers, each as ``docs/social-sign-in.md`` describes it."""
        return self._get("SOCIAL_PROVIDERS", ())

    @property
    def WHILE_WAITING(self) -> str | None:
        """Dotted path of a context manager that is entered while a request waits for a provider."""
        return self._get("WHILE_WAITING", None)

    @property
    def TOTP_ISSUER(self) -> str:
        """The name of this installation in authenticator applications and on security keys.

        Only a label: secrets and keys that people have stored under another name go on working.
        """
        return self._get("TOTP_ISSUER", "") or self.APP_NAME

    @property
    def WEBAUTHN_RP_ID(self) -> str:
        """The domain of security keys and passkeys. Changing it makes all of them unusable."""
        return self._get("WEBAUTHN_RP_ID", "localhost")

    @property
    def WEBAUTHN_ORIGINS(self) -> tuple[str, ...]:
        """The origins whose security keys and passkeys are accepted, as browsers write them."""
        return tuple(self._get("WEBAUTHN_ORIGINS", ()))

    @property
    def DELETION_RETENTION(self) -> timedelta:
        """How long a deleted account can be restored before it is erased."""
        return self._get("DELETION_RETENTION", timedelta(days=30))

    @property
    def SECOND_FACTOR_RESET_WAIT(self) -> timedelta:
        """How long a user can stop a reset of their second factors, from the delivery of the mail that tells of it.

        NIST SP 800-63B-4, 4.2.3 requires the notification and leaves the time open. Three days include a weekend.
        """
        return self._get("SECOND_FACTOR_RESET_WAIT", timedelta(days=3))

    @property
    def SIGN_IN_BACKOFF(self) -> dict[str, Backoff]:
        """How many wrong passwords are free and how the waits after them grow, for each kind of counter.

        Unknown devices are counted by ``account``, by account and network (``pair``) and by ``network``; known devices
        by ``device``; sessions by ``session``. Second factors are counted by ``factor``, ``factor_network``,
        ``factor_device`` and ``factor_session``. An entry replaces the default of the same name.
        """
        return {**DEFAULT_SIGN_IN_BACKOFF, **self._get("SIGN_IN_BACKOFF", {})}


DEFAULT_COLOUR = "#1f6f5c"
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
    # All unknown devices together get at most 8 checks in any hour, 16 if they try both username and address.
    "account": Backoff(free=5, first=300, longest=HOUR, forgiven_after=HOUR),
    # Forgiven more slowly, so that one network alone can't block the account for all others.
    "pair": Backoff(free=5, first=300, longest=4 * HOUR, forgiven_after=6 * HOUR),
    # Many people may share one address.
    "network": Backoff(free=100, first=60, longest=900, forgiven_after=60),
    "device": Backoff(free=10, first=60, longest=900, forgiven_after=600),
    "session": Backoff(free=5, first=60, longest=HOUR, forgiven_after=HOUR),
    # Codes of six digits, tried by all unknown devices that know the password: at most 35 checks in a day, 12 a day in
    # the long run. One network alone does not use this up.
    "factor": Backoff(free=20, first=HOUR, longest=24 * HOUR, forgiven_after=2 * HOUR),
    "factor_network": Backoff(free=5, first=900, longest=24 * HOUR, forgiven_after=6 * HOUR),
    "factor_device": Backoff(free=5, first=900, longest=24 * HOUR, forgiven_after=6 * HOUR),
    "factor_session": Backoff(free=5, first=900, longest=24 * HOUR, forgiven_after=6 * HOUR),
}


def _as_usernames(name: str) -> frozenset[str]:
    words = re.findall(r"[a-z0-9]+", name.lower())
    return frozenset(joint.join(words) for joint in ("", "-", "_") if words)


account_settings = AccountSettings()
