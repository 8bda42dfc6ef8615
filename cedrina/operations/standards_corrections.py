"""What to do about the findings of ``standards_diagnosis``."""

from collections.abc import Mapping
from types import MappingProxyType

from django.utils.translation import gettext_lazy as _

from cedrina.operations.correction import Correction

_ENVIRONMENT = "docs/production.md#settings"
_WATCHING = "docs/observability.md#who-may-read-them"

OF_STANDARDS: Mapping[str, Correction] = MappingProxyType(
    {
        "accounts.administrators_without_second_factor": Correction(
            "OWASP ASVS 5.0, 6.3.3",
            _("Let each of them enrol a security key or a code generator; the admin lists who has none."),
            "docs/administration.md",
            "manage.py doctor",
        ),
        "monitoring.open_networks": Correction(
            "OWASP ASVS 5.0, 13.4.5",
            _("Name the addresses of the machines that watch this installation, and no others."),
            _WATCHING,
            "METRICS_ALLOWED_NETWORKS=127.0.0.0/8,::1/128",
        ),
        "connections.plain": Correction(
            "OWASP ASVS 5.0, 12.3.1",
            _("Encrypt them: sslmode=verify-full for PostgreSQL, rediss:// for Redis, smtp+tls:// for mail."),
            _ENVIRONMENT,
            "DATABASE_URL=postgres://cedrina_app:password@db.example.org:5432/cedrina?sslmode=verify-full",
        ),
        "sessions.long": Correction(
            "NIST SP 800-63B-4, 2.1.3",
            _("Let people sign in again after thirty days at the latest."),
            _ENVIRONMENT,
            "SESSION_ABSOLUTE_SECONDS=2592000",
        ),
        "passwords.short": Correction(
            "NIST SP 800-63B-4, 3.1.1.2",
            _("Ask for fifteen characters, or see to it that everybody has a second factor."),
            _ENVIRONMENT,
            "PASSWORD_MIN_LENGTH=15",
        ),
        "tokens.signing_key_old": Correction(
            "OWASP ASVS 5.0, 11.1.1",
            _("Rotate it. Tokens that it has signed stay valid until they expire."),
            "docs/key-rotation.md",
            "manage.py rotate_signing_key",
        ),
        "logging.debug": Correction(
            "OWASP ASVS 5.0, 13.4.2",
            _("Log from INFO on, and switch DEBUG on while you look for something."),
            _ENVIRONMENT,
            "LOG_LEVEL=INFO",
        ),
    }
)
