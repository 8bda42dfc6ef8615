"""What to do about each finding of `manage.py doctor`: the section of the standard, the line to write, and the page.

Start-up checks of the apps name the settings of Django, because the apps are used in other projects, too. Here the
settings have the names of the environment, and each finding has one line to write: `NAME=value` for the environment, a
command, or a line of Python for what only code can contain.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

from django.utils.translation import gettext_lazy as _

from cedrina.operations.correction import Correction, TranslatableText
from cedrina.operations.standards_corrections import OF_STANDARDS
from cedrina.settings.environment_settings import SETTINGS

PRODUCTION = "docs/production.md"
_ENVIRONMENT = f"{PRODUCTION}#settings"
_SECRETS = f"{PRODUCTION}#secrets"
_TLS = f"{PRODUCTION}#reverse-proxy-and-tls"
_ROLES = "docs/deploying.md#the-two-roles-of-the-database"
_CODE = f"{PRODUCTION}#findings-of-changed-code"
_SEALING = "docs/security-events.md#sealing"
_ADDRESSES = "docs/personal-data.md#addresses-on-hold"
_HTTPS_LINE = "PUBLIC_URL=https://id.example.org"
_SECRET_LINE = "SECRET_KEY=$(openssl rand -hex 48)"


_VALUE = _("Write a value that is possible.")
_NAME = _("Take the name out of the dict in your settings module; docs/configuration.md lists the settings.")
_HTTPS = _("Let people reach this server by https, and say so in PUBLIC_URL.")
_IN_CODE = _("Set it back in your settings module. Cedrina's own has it.")


def _https(problem: TranslatableText, section: str = "OWASP ASVS 5.0, 12.2.1") -> Correction:
    return Correction(section, _HTTPS, _TLS, _HTTPS_LINE, problem, is_about_https=True)


def _in_code(line: str, problem: TranslatableText = "", section: str = "OWASP ASVS 5.0, 13.4") -> Correction:
    return Correction(section, _IN_CODE, _CODE, line, problem)


def _weak_secret(problem: TranslatableText) -> Correction:
    mend = _("Make a new secret. docs/key-rotation.md says what a change does to sessions.")
    return Correction("OWASP ASVS 5.0, 13.3.1", mend, _SECRETS, _SECRET_LINE, problem)


_SYSLOG = "docs/syslog.md"
_SINK_LINE = "AUDIT_SINKS=syslog+tls://siem.example.org:6514"
_HOOK = _("Name a function that can be imported, or leave the default.")
_POSTGRESQL = _("Use PostgreSQL 16 or newer.")
_DATABASE_LINE = "DATABASE_URL=postgres://cedrina_app:password@db.example.org:5432/cedrina"
_REFOLD = _("Run `manage.py refold_addresses`: it names the people. What to do stands in docs/personal-data.md.")
_PROXY = _("If that is a proxy of yours, name it in TRUSTED_PROXIES, and let it send what TRUSTED_PROXY_HEADER says.")
_UNNAMED_PROXY = _(
    "If it is a proxy of yours, name it in TRUSTED_PROXIES; if not, let only your proxy reach this server."
)

_OF_SETTINGS: dict[str, Correction] = {
    "accounts.E001": Correction("OWASP ASVS 5.0, 13.1", _NAME, _CODE, "ACCOUNTS = {…}  # without that name"),
    "accounts.E002": Correction("NIST SP 800-63B, 3.1.1", _VALUE, _ENVIRONMENT),
    "accounts.E003": Correction("OWASP ASVS 5.0, 13.1", _HOOK, _CODE, 'ACCOUNTS["WHILE_HASHING"] = None'),
    "accounts.E004": Correction("OWASP ASVS 5.0, 5.3.1", _VALUE, _ENVIRONMENT),
    "accounts.E010": Correction(
        "OWASP ASVS 5.0, 11.4.2",
        _("Raise BCRYPT_ROUNDS; hashes are upgraded when their owners sign in."),
        _ENVIRONMENT,
        "BCRYPT_ROUNDS=12",
    ),
    "accounts.W001": _in_code('PASSWORD_HASHERS = ["accounts.hashers.BCryptHasher", …]'),
    "accounts.W004": Correction(
        "WebAuthn Level 2, 5.1.3",
        _("Write the host of PUBLIC_URL or a domain above it. Changing it later makes all keys unusable."),
        _ENVIRONMENT,
        "WEBAUTHN_RP_ID=id.example.org",
        is_about_https=True,
    ),
    "accounts.W005": Correction(
        "WebAuthn Level 2, 5.1.3",
        _("List the origins of the pages as browsers write them: https, the port only if it is not 443."),
        _ENVIRONMENT,
        "WEBAUTHN_ORIGINS=https://id.example.org",
        is_about_https=True,
    ),
    "accounts.W010": Correction(
        "OWASP ASVS 5.0, 6.3.8",
        _("Let addresses be confirmed before sign-in."),
        _ENVIRONMENT,
        "EMAIL_CONFIRMATION=required",
    ),
    "accounts.W011": Correction(
        "NIST SP 800-63B-4, 4.2.3",
        _("Give people the time to read a mail, a weekend included."),
        _ENVIRONMENT,
        "SECOND_FACTOR_RESET_HOURS=72",
    ),
    "tokens.E001": Correction("OWASP ASVS 5.0, 13.1", _NAME, _CODE, "TOKENS = {…}  # without that name"),
    "tokens.E002": Correction("RFC 9700, 2.2", _VALUE, _ENVIRONMENT),
    "tokens.E003": Correction("RFC 9700, 2.2", _VALUE, _ENVIRONMENT),
    "tokens.E004": Correction("RFC 9700, 4.14.2", _VALUE, _ENVIRONMENT),
    "tokens.E005": Correction("OWASP ASVS 5.0, 7.1.2", _VALUE, _ENVIRONMENT),
    "tokens.E006": Correction("OWASP ASVS 5.0, 7.1.2", _VALUE, _ENVIRONMENT),
    "tokens.E008": Correction("RFC 9700, 4.14.2", _VALUE, _ENVIRONMENT),
    "tokens.E009": Correction("RFC 7517, 5", _VALUE, _ENVIRONMENT),
    "tokens.E012": Correction("RFC 9700, 4.14.2", _VALUE, _ENVIRONMENT),
    "tokens.E015": Correction("RFC 8725, 3.1", _VALUE, _ENVIRONMENT),
    "tokens.E007": Correction(
        "OWASP ASVS 5.0, 11.3.2",
        _("Make a key of 32 bytes, in front of the former ones, and run `manage.py reencrypt_fields`."),
        _SECRETS,
        "FIELD_ENCRYPTION_KEYS=second:$(openssl rand -base64 32),first:…",
    ),
    "tokens.E010": Correction(
        "OWASP ASVS 5.0, 13.3.1",
        _("Make a key of 32 bytes and keep a copy of it beside your backups."),
        _SECRETS,
        "FIELD_ENCRYPTION_KEYS=first:$(openssl rand -base64 32)",
    ),
    "tokens.E011": Correction("RFC 8414, 2", _HTTPS, _TLS, _HTTPS_LINE, is_about_https=True),
    "tokens.E013": Correction("OWASP ASVS 5.0, 13.1", _POSTGRESQL, _ENVIRONMENT, _DATABASE_LINE),
    "tokens.E014": _in_code('TOKENS["ACTIVE_USER"] = {"is_active": True, "deleted_at": None}'),
    "tokens.E020": Correction(
        "RFC 9470",
        _("Declare at the view whether a recent authentication is needed."),
        _CODE,
        'step_up = {"post": requires(factor=RequiredFactor.SECOND)}',
    ),
    "tokens.W001": Correction("RFC 9700, 2.2", _("Shorten it."), _ENVIRONMENT, "ACCESS_TOKEN_SECONDS=900"),
    "tokens.W002": Correction(
        "RFC 8725, 3.1",
        _("Let all services that verify tokens accept both, then run `manage.py rotate_signing_key`."),
        "docs/key-rotation.md#another-algorithm",
        "manage.py rotate_signing_key",
    ),
    "ratelimiting.W001": Correction(
        "OWASP ASVS 5.0, 6.3.1",
        _("Change or delete the policy in the admin: it limits nothing by that name. The command lists the names."),
        "docs/rate-limiting.md",
        "manage.py ratelimit_status --routes",
    ),
    "ratelimiting.E001": Correction("OWASP ASVS 5.0, 13.1", _NAME, _CODE, "RATELIMITING = {…}  # without that name"),
    "ratelimiting.E002": Correction("OWASP ASVS 5.0, 4.1.3", _VALUE, _TLS, "TRUSTED_PROXIES=10.0.0.10"),
    "ratelimiting.E003": _in_code('RATELIMITING["STORE_DEADLINE"] = 0.05'),
    "ratelimiting.E004": _in_code('RATELIMITING["STORE_PREFIX"] = "{rl}:"'),
    "ratelimiting.E005": Correction(
        "OWASP ASVS 5.0, 6.3.1",
        _("Correct the policy, or leave it out: then the shipped ones apply. docs/rate-limiting.md has the members."),
        "docs/rate-limiting.md",
        "RATELIMIT_POLICIES=[]",
    ),
    "ratelimiting.E006": Correction("OWASP ASVS 5.0, 13.1", _HOOK, _CODE, 'RATELIMITING["CALLER"] = None'),
    "ratelimiting.E007": Correction("OWASP ASVS 5.0, 4.1.3", _VALUE, _TLS, "TRUSTED_PROXY_HEADER=x-forwarded-for"),
    "security_events.E001": Correction(
        "OWASP ASVS 5.0, 13.1", _NAME, _CODE, "SECURITY_EVENTS = {…}  # without that name"
    ),
    "cedrina_base.E001": Correction("OWASP ASVS 5.0, 13.1", _NAME, _CODE, "CEDRINA_BASE = {…}  # without that name"),
    "cedrina_base.E002": Correction("OWASP ASVS 5.0, 1.3.6", _VALUE, _ENVIRONMENT),
    "cedrina_base.E003": Correction("OWASP ASVS 5.0, 1.3.6", _VALUE, _ENVIRONMENT),
    "cedrina_base.E004": _in_code('CEDRINA_BASE["OUTBOUND_PLAIN_HTTP"] = False', section="OWASP ASVS 5.0, 12.2.1"),
    "security_events.E002": _in_code('SECURITY_EVENTS["PARTITIONS_AHEAD"] = 3', section="OWASP ASVS 5.0, 16.3"),
    "security_events.E003": Correction("OWASP ASVS 5.0, 13.1", _POSTGRESQL, _ENVIRONMENT, _DATABASE_LINE),
    "security_events.E005": Correction(
        "OWASP ASVS 5.0, 16.4.3",
        _VALUE,
        "docs/audit-trail.md",
        'AUDIT_WITNESSES=[{"key": "witness.example+1f2e3d4c+BA…", "url": "https://witness.example"}]',
    ),
    "security_events.E020": Correction("OWASP ASVS 5.0, 16.4.3", _VALUE, f"{_SYSLOG}#the-setting", _SINK_LINE),
    "security_events.W010": Correction(
        "OWASP ASVS 5.0, 16.3.1",
        _("Rename a file in the MaxMind DB format to that path, or leave GEOIP_PATH out. Servers see it at once."),
        "docs/geoip.md",
        "GEOIP_PATH=/var/lib/GeoIP/….mmdb",
    ),
    "security_events.E004": Correction(
        "OWASP ASVS 5.0, 16.2", _VALUE, "docs/configuration.md", "AUDIT_RETENTION_DAYS=365"
    ),
    "security_events.W002": Correction(
        "OWASP ASVS 5.0, 14.2.7",
        _("Store the terms of retention as the owner of the tables: the shorter ones count from then on."),
        "docs/production.md",
        "manage.py migrate",
    ),
    "security_events.W003": Correction(
        "OWASP ASVS 5.0, 16.4",
        _("Continue the audit trail: new events then stand behind the restored ones."),
        "docs/production.md",
        "manage.py continue_audit_trail",
    ),
    "audit_trail.kept_for_ever": Correction(
        "OWASP ASVS 5.0, 14.2.7",
        _("Set a term, if the law that applies to you asks for one: events hold addresses and masked names."),
        "docs/personal-data.md",
        "AUDIT_RETENTION_DAYS=365",
    ),
    "security_events.W001": Correction(
        "OWASP ASVS 5.0, 16.3",
        _("Declare how a SIEM reads the event type: docs/how-to/add-an-event-type.md."),
        _CODE,
        "EventType(…, ocsf_type_uid=OcsfType.ACCOUNT_CHANGE_OTHER)",
    ),
}
_OF_DJANGO: dict[str, Correction] = {
    "security.W001": _in_code('SILENCED_SYSTEM_CHECKS = ["security.W001", …]'),
    "security.W002": _in_code('SILENCED_SYSTEM_CHECKS = ["security.W002", …]'),
    "security.W003": _in_code('SILENCED_SYSTEM_CHECKS = ["security.W003", …]'),
    "security.W004": _https(_("Browsers are not told to use https only (HSTS).")),
    "security.W005": _in_code("SECURE_HSTS_INCLUDE_SUBDOMAINS = True"),
    "security.W006": _in_code("SECURE_CONTENT_TYPE_NOSNIFF = True"),
    "security.W008": _https(_("Requests over plain http are not redirected; your proxy has to do that.")),
    "security.W009": _weak_secret(_("SECRET_KEY is too short or too simple: it can be guessed.")),
    "security.W010": _https(_("The cookie of the admin's session is sent over plain http, too.")),
    "security.W011": _https(_("The cookie of the admin's session is sent over plain http, too.")),
    "security.W012": _https(_("The cookie of the admin's session is sent over plain http, too.")),
    "security.W013": _in_code("SESSION_COOKIE_HTTPONLY = True"),
    "security.W014": _in_code("SESSION_COOKIE_HTTPONLY = True"),
    "security.W015": _in_code("SESSION_COOKIE_HTTPONLY = True"),
    "security.W016": _https(_("The cookie that protects forms is sent over plain http, too.")),
    "security.W018": _in_code("DEBUG = False"),
    "security.W019": _in_code('X_FRAME_OPTIONS = "DENY"'),
    "security.W020": Correction(
        "OWASP ASVS 5.0, 13.4",
        _("List the names under which this server is addressed."),
        _ENVIRONMENT,
        "ALLOWED_HOSTS=id.example.org",
        _("ALLOWED_HOSTS is empty."),
    ),
    "security.W021": _in_code("SECURE_HSTS_PRELOAD = True"),
    "security.W022": _in_code('SECURE_REFERRER_POLICY = "same-origin"'),
    "security.E023": _in_code('SECURE_REFERRER_POLICY = "same-origin"'),
    "security.E024": _in_code('SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"'),
    "security.W025": _weak_secret(_("A secret of SECRET_KEY_FALLBACKS is too short or too simple: it can be guessed.")),
    "security.E101": _in_code('CSRF_FAILURE_VIEW = "cedrina.http.error_views.csrf_failure"'),
    "security.E102": _in_code('CSRF_FAILURE_VIEW = "cedrina.http.error_views.csrf_failure"'),
}
_OF_THE_INSTALLATION: dict[str, Correction] = {
    "network.single_address": Correction("OWASP ASVS 5.0, 4.1.3", _PROXY, _TLS, "TRUSTED_PROXIES=%(address)s"),
    "network.untrusted_proxy": Correction("OWASP ASVS 5.0, 4.1.3", _UNNAMED_PROXY, _TLS, "TRUSTED_PROXIES=%(address)s"),
    "accounts.addresses_behind": Correction("OWASP ASVS 5.0, 6.3.8", _REFOLD, _ADDRESSES, "manage.py refold_addresses"),
    "accounts.addresses_on_hold": Correction(
        "OWASP ASVS 5.0, 6.3.8", _REFOLD, _ADDRESSES, "manage.py refold_addresses"
    ),
    "accounts.foreign_connections": Correction(
        "OWASP ASVS 5.0, 6.3.8", _REFOLD, _ADDRESSES, "manage.py refold_addresses"
    ),
    "audit_trail.kept_here_alone": Correction(
        "OWASP ASVS 5.0, 16.4.3",
        _("Send checkpoints to a machine that another person administers."),
        f"{_SYSLOG}#checkpoints-off-the-machine",
        "AUDIT_SINKS=https://archive.example.org/checkpoints",
    ),
    "audit_trail.file_alone": Correction(
        "OWASP ASVS 5.0, 16.4.3",
        _("See to it that the file is on a machine that another person administers, such as by a mounted folder."),
        f"{_SYSLOG}#checkpoints-off-the-machine",
        "AUDIT_SINKS=https://archive.example.org/checkpoints",
    ),
    "audit_trail.plain_syslog": Correction(
        "OWASP ASVS 5.0, 12.3.1", _("Let the receiver speak TLS."), f"{_SYSLOG}#the-setting", _SINK_LINE
    ),
    "audit_trail.sink_failing": Correction(
        "OWASP ASVS 5.0, 16.4.3",
        _("Do what the reason says. Nothing is lost: it goes on where it stopped."),
        f"{_SYSLOG}#when-a-receiver-fails",
        "manage.py doctor",
    ),
    "audit_trail.not_sealed": Correction(
        "OWASP ASVS 5.0, 16.4.2",
        _("Run `manage.py seal_audit_trail`: it says what is wrong. If it seals, start the background worker."),
        _SEALING,
        "manage.py seal_audit_trail",
    ),
    "audit_trail.held_back": Correction(
        "OWASP ASVS 5.0, 16.4.2",
        _("Find out what holds this transaction open, and end it. The events are sealed once it has ended."),
        _SEALING,
        "manage.py seal_audit_trail --dry-run",
    ),
    "detection.behind": Correction(
        "OWASP ASVS 5.0, 16.3.3",
        _("Start the background worker. If it runs, its log says what detection waits for."),
        "docs/detection.md#in-the-background",
        "manage.py run_worker",
    ),
    "mail.sender": Correction(
        "RFC 7208",
        _("Send from a domain whose SPF, DKIM and DMARC records name your mail server."),
        f"{PRODUCTION}#mail",
        "DEFAULT_FROM_EMAIL=Example <no-reply@example.org>",
    ),
    "database.serving_role": Correction(
        "OWASP ASVS 5.0, 13.2.2",
        _(
            "Let one role own the tables and another one serve: name the first in DATABASE_MIGRATION_URL and the "
            "second in DATABASE_URL, and run `manage.py migrate`. docs/deploying.md shows how."
        ),
        _ROLES,
        "DATABASE_MIGRATION_URL=postgres://cedrina_owner:password@db.example.org:5432/cedrina",
    ),
}
CORRECTIONS: Mapping[str, Correction] = MappingProxyType(
    {**_OF_SETTINGS, **_OF_DJANGO, **_OF_THE_INSTALLATION, **OF_STANDARDS}
)
UNKNOWN = Correction("OWASP ASVS 5.0, 13.1", _("Mend what the check names."), _CODE, "")

# The names of settings in the environment, where they differ from those in the dicts of the apps.
ENVIRONMENT_NAMES: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("ACCOUNTS", "EMAIL_CONFIRMATION_TTL"): "EMAIL_CONFIRMATION_SECONDS",
        ("ACCOUNTS", "PASSWORD_RESET_TTL"): "PASSWORD_RESET_SECONDS",
        ("ACCOUNTS", "HASHING_WAIT"): "HASHING_WAIT_SECONDS",
        ("ACCOUNTS", "DELETION_RETENTION"): "DELETION_RETENTION_DAYS",
        ("ACCOUNTS", "SECOND_FACTOR_RESET_WAIT"): "SECOND_FACTOR_RESET_HOURS",
        ("TOKENS", "ISSUER"): "TOKEN_ISSUER",
        ("TOKENS", "AUDIENCE"): "TOKEN_AUDIENCE",
        ("TOKENS", "ACCESS_TTL"): "ACCESS_TOKEN_SECONDS",
        ("TOKENS", "SESSION_IDLE_TTL"): "SESSION_IDLE_SECONDS",
        ("TOKENS", "SESSION_ABSOLUTE_TTL"): "SESSION_ABSOLUTE_SECONDS",
        ("TOKENS", "REFRESH_RACE_TTL"): "REFRESH_RACE_SECONDS",
        ("TOKENS", "REFRESH_LOST_REPLY_TTL"): "REFRESH_LOST_REPLY_HOURS",
        ("TOKENS", "JWKS_PROPAGATION_TTL"): "JWKS_PROPAGATION_SECONDS",
        ("SECURITY_EVENTS", "SINKS"): "AUDIT_SINKS",
        ("RATELIMITING", "ENABLED"): "RATELIMIT_ENABLED",
        ("RATELIMITING", "OVERRIDES"): "RATELIMIT_POLICIES",
    }
)
_APPS = "ACCOUNTS|TOKENS|RATELIMITING|SECURITY_EVENTS"
_MEMBER = re.compile(rf"({_APPS})\['([A-Z_]+)'\]")
_LIST = re.compile(rf"^({_APPS}): ")
_CAPITALS = re.compile(r"\b[A-Z]+(?:_[A-Z]+)*\b")


def in_environment_names(text: str) -> str:
    """Return the text of a check with the names that its settings have in the environment."""
    text = _MEMBER.sub(lambda match: _environment_name(match[1], match[2]) or match[0], text)
    listed = _LIST.match(text)
    if listed is None:
        return text
    rest = text[listed.end() :]
    return _CAPITALS.sub(lambda match: _environment_name(listed[1], match[0]) or match[0], rest)


def default_line(text: str) -> str:
    """Return `NAME=value` for the first setting of the environment that a text names, with its default value."""
    for name in _CAPITALS.findall(text):
        if name in SETTINGS:
            default = SETTINGS[name].default
            return f"{name}={_COMPUTED.get(name, '') if default is None else default}"
    return ""


# The defaults that follow other settings, as with TOKEN_PROFILE=standard.
_COMPUTED = {"SESSION_IDLE_SECONDS": "604800", "SESSION_ABSOLUTE_SECONDS": "2592000"}


def _environment_name(app: str, name: str) -> str | None:
    found = ENVIRONMENT_NAMES.get((app, name), name)
    return found if found in SETTINGS else None
