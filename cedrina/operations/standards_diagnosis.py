"""Diagnostics of what standards ask for and no start-up check can see: people, other machines, ages, terms."""

import ipaddress
from collections.abc import Iterator
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS
from django.db.models import Q
from django.utils.encoding import force_str
from django.utils.translation import gettext_lazy as _

from accounts.conf import account_settings
from accounts.models import User
from cedrina.operations.diagnosis import (
    DiagnosticFinding,
    FindingSeverity,
    diagnostic,
    finding_of,
    is_development_on_loopback,
    is_loopback,
)
from tokens.conf import token_settings
from tokens.models import SigningKey

LONGEST_SESSION = timedelta(days=30)  # NIST SP 800-63B-4, 2.1.3
LENGTH_OF_A_SINGLE_FACTOR = 15  # NIST SP 800-63B-4, 3.1.1.2
OLDEST_KEY = timedelta(days=366)
_ENCRYPTED = frozenset({"require", "verify-ca", "verify-full"})


@diagnostic
def administrators(_now: datetime) -> Iterator[DiagnosticFinding]:
    """Yield a finding when somebody with rights over others signs in by a password alone."""
    if is_development_on_loopback():
        return
    operators = User.objects.filter(Q(is_staff=True) | Q(is_superuser=True), is_active=True, deleted_at__isnull=True)
    count = operators.filter(is_mfa_enabled=False).count()
    if count:
        problem = force_str(_("Members of staff without a second factor: %(count)d.")) % {"count": count}
        yield finding_of("accounts.administrators_without_second_factor", FindingSeverity.WARNING, problem)


@diagnostic
def monitoring(_now: datetime) -> Iterator[DiagnosticFinding]:
    """Yield a finding when public addresses may read figures and health without a token."""
    networks = [ipaddress.ip_network(text, strict=False) for text in settings.MONITORING["ALLOWED_NETWORKS"]]
    public = [str(network) for network in networks if not (network.is_private or network.is_loopback)]
    if public:
        problem = force_str(_("Whoever is in these networks reads figures and health: %(networks)s."))
        values = {"networks": ", ".join(public)}
        yield finding_of("monitoring.open_networks", FindingSeverity.WARNING, problem % values)


@diagnostic
def plain_connections(_now: datetime) -> Iterator[DiagnosticFinding]:
    """Yield a finding when a connection to another machine is not encrypted.

    A name without a dot is that of a container or of a machine on the same private network.
    """
    database = settings.DATABASES[DEFAULT_DB_ALIAS]
    plain = []
    if is_elsewhere(database.get("HOST", "")) and database.get("OPTIONS", {}).get("sslmode") not in _ENCRYPTED:
        plain.append("DATABASE_URL")
    redis = urlsplit(settings.RATELIMITING["REDIS_URL"] or "")
    if redis.scheme == "redis" and is_elsewhere(redis.hostname or ""):
        plain.append("REDIS_URL")
    is_smtp = settings.EMAIL_BACKEND.endswith("smtp.EmailBackend")
    is_tls = getattr(settings, "EMAIL_USE_TLS", False) or getattr(settings, "EMAIL_USE_SSL", False)
    if is_smtp and not is_tls and is_elsewhere(getattr(settings, "EMAIL_HOST", "")):
        plain.append("EMAIL_URL")
    collector = urlsplit(settings.MONITORING["TRACES_ENDPOINT"])
    if collector.scheme == "http" and is_elsewhere(collector.hostname or ""):
        plain.append("OTEL_EXPORTER_OTLP_ENDPOINT")
    if plain:
        problem = force_str(_("Connections to other machines are not encrypted: %(names)s."))
        yield finding_of("connections.plain", FindingSeverity.WARNING, problem % {"names": ", ".join(plain)})


def is_elsewhere(host: str) -> bool:
    """Return whether a host is another machine: no socket, no loopback, no name without a dot."""
    return "/" not in host and not is_loopback(host) and ("." in host or ":" in host)


@diagnostic
def session_terms(_now: datetime) -> Iterator[DiagnosticFinding]:
    """Yield a finding when people stay signed in for longer than thirty days."""
    days = token_settings.SESSION_ABSOLUTE_TTL.days
    if token_settings.SESSION_ABSOLUTE_TTL > LONGEST_SESSION:
        problem = force_str(_("People stay signed in for %(days)d days without showing who they are.")) % {"days": days}
        yield finding_of("sessions.long", FindingSeverity.WARNING, problem)


@diagnostic
def password_length(_now: datetime) -> Iterator[DiagnosticFinding]:
    """Yield, as information, that passwords may be shorter than those of a single factor should be."""
    shortest = account_settings.PASSWORD_MIN_LENGTH
    if shortest < LENGTH_OF_A_SINGLE_FACTOR and not is_development_on_loopback():
        problem = force_str(_("A password of %(length)d characters suffices where it is the only factor."))
        yield finding_of("passwords.short", FindingSeverity.INFO, problem % {"length": shortest})


@diagnostic
def signing_key_age(now: datetime) -> Iterator[DiagnosticFinding]:
    """Yield a finding when access tokens have been signed with one key for more than a year."""
    rows = SigningKey.objects.filter(signs_access_tokens=True, activated_at__lte=now)
    activated = rows.order_by("-activated_at").values_list("activated_at", flat=True).first()
    if activated is not None and now - activated > OLDEST_KEY:
        problem = force_str(_("Access tokens have been signed with one key for %(days)d days."))
        yield finding_of("tokens.signing_key_old", FindingSeverity.WARNING, problem % {"days": (now - activated).days})


@diagnostic
def log_level(_now: datetime) -> Iterator[DiagnosticFinding]:
    """Yield a finding when a server of production logs what is meant for development."""
    if settings.LOGGING["LEVEL"] == "DEBUG" and settings.ENVIRONMENT != "development":
        problem = force_str(_("Everything is logged, statements of libraries included."))
        yield finding_of("logging.debug", FindingSeverity.WARNING, problem)
