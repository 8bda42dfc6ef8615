"""The table of all settings of the environment. docs/configuration.md is generated from it."""

from cedrina.settings.environment_setting import EnvironmentSetting, SettingType
from cedrina.settings.identity_settings import PASSWORDS, SECOND_FACTORS, SOCIAL, TOKENS

ENVIRONMENT = EnvironmentSetting(
    "CEDRINA_ENV",
    SettingType.CHOICE,
    "development",
    "Chooses the profile and how strict the start is. Staging is as strict as production.",
    choices=("development", "staging", "production"),
)

_SECRETS = [
    EnvironmentSetting(
        "SECRET_KEY",
        SettingType.TEXT,
        None,
        "What refresh tokens, sessions of the admin and pseudonyms are derived from. At least 50 characters.",
        default_text="made in development, required otherwise",
        is_secret=True,
    ),
    EnvironmentSetting(
        "SECRET_KEY_FALLBACKS",
        SettingType.LIST,
        [],
        "Former values of SECRET_KEY: what was made under them is accepted still, so that the secret can be changed "
        "without signing everybody out. Take each away once `SESSION_ABSOLUTE_SECONDS` have passed.",
        default_text="none",
        is_secret=True,
    ),
    EnvironmentSetting(
        "FIELD_ENCRYPTION_KEYS",
        SettingType.LIST,
        None,
        "Keys of encrypted columns: `id:base64 of 32 bytes`. The first encrypts, all decrypt.",
        default_text="made in development, required otherwise",
        is_secret=True,
    ),
]

_STORES = [
    EnvironmentSetting(
        "DATABASE_URL",
        SettingType.URL,
        None,
        "PostgreSQL 16 or newer: `postgres://user:password@host:5432/name`, over a socket "
        "`postgres:////directory/name` or `postgres:///name?host=/directory`.",
        default_text="the embedded server of `make run`; required in staging and production",
        is_secret=True,
    ),
    EnvironmentSetting(
        "DATABASE_MIGRATION_URL",
        SettingType.URL,
        None,
        "The same database by the role that owns the tables. `manage.py migrate` uses it, and afterwards lets the role "
        "of `DATABASE_URL` do what serving needs and nothing else; servers and worker must not be given it.",
        default_text="`DATABASE_URL`: one role for all",
        is_secret=True,
    ),
    EnvironmentSetting(
        "DATABASE_PREPARED_STATEMENTS",
        SettingType.SWITCH,
        True,
        "Let PostgreSQL keep the plans of the statements that every request needs. Switch it off behind a pooler that "
        "gives each transaction another connection and doesn't follow prepared statements (PgBouncer before 1.21).",
    ),
    EnvironmentSetting(
        "DATABASE_POOL_MIN",
        SettingType.NUMBER,
        1,
        "Connections that a worker opens before its first request.",
        minimum=0,
        maximum=64,
    ),
    EnvironmentSetting(
        "DATABASE_POOL_MAX",
        SettingType.NUMBER,
        4,
        "Connections that a worker has at most, and so how many of its requests compute at the same time. "
        "Those that wait for a password hash or for their client's body hold none.",
        minimum=1,
        maximum=64,
    ),
    EnvironmentSetting(
        "REDIS_URL",
        SettingType.URL,
        None,
        "Rate limits, cache and channel layer. Without it all live in the process, which serves one process only.",
        default_text="none: in-process stores",
        is_secret=True,
    ),
]

_SERVING = [
    EnvironmentSetting("HOST", SettingType.TEXT, "127.0.0.1", "Address that the servers listen on."),
    EnvironmentSetting("PORT", SettingType.NUMBER, 8000, "Port that the servers listen on.", minimum=0, maximum=65535),
    EnvironmentSetting("WEB_CONCURRENCY", SettingType.NUMBER, 1, "HTTP worker processes.", minimum=1, maximum=256),
    EnvironmentSetting(
        "ALLOWED_HOSTS",
        SettingType.LIST,
        ("localhost", "127.0.0.1", "[::1]"),
        "Names under which this server may be addressed.",
        default_text="loopback in development, required otherwise",
    ),
    EnvironmentSetting(
        "PUBLIC_URL",
        SettingType.URL,
        None,
        "Where people reach this server. Links in mail and the metadata documents come from this alone.",
        default_text="loopback and `PORT` in development, required otherwise",
    ),
    EnvironmentSetting(
        "CORS_ALLOWED_ORIGINS", SettingType.LIST, (), "Origins of browser applications, `https://app.example.com`."
    ),
    EnvironmentSetting(
        "TRUSTED_PROXIES",
        SettingType.LIST,
        (),
        "Networks of the proxies in front, `10.0.0.0/8`. Forwarding headers of anybody else are ignored.",
    ),
    EnvironmentSetting(
        "TRUSTED_PROXY_HEADER",
        SettingType.CHOICE,
        "x-forwarded-for",
        "The header in which those proxies say whose request it is; the other one is ignored, since they may pass on "
        "what a client wrote into it. With `both`, those that are there must agree.",
        choices=("x-forwarded-for", "forwarded", "both"),
    ),
    EnvironmentSetting(
        "PROBLEM_TYPE_BASE",
        SettingType.URL,
        "https://cedrina.dev/problems/",
        "What the `type` of every problem begins with (RFC 9457).",
    ),
]

_MAIL = [
    EnvironmentSetting(
        "EMAIL_URL",
        SettingType.URL,
        "consolemail:",
        "`smtp://user:password@host:587`, `smtp+tls://…`, `smtp+ssl://…`, `filemail:///directory`, `consolemail:`.",
        default_text="`consolemail:` in development, required otherwise",
        is_secret=True,
    ),
    EnvironmentSetting(
        "DEFAULT_FROM_EMAIL", SettingType.SENDER, "Cedrina <no-reply@localhost>", "Sender of every mail."
    ),
    EnvironmentSetting(
        "EMAIL_CONFIRMATION",
        SettingType.CHOICE,
        "required",
        "Whether an account is opened, and may be signed in to, only once its address is confirmed. With `optional` it "
        "is opened at once, and registering tells whether an address has an account.",
        choices=("required", "optional"),
    ),
    EnvironmentSetting(
        "EMAIL_CONFIRMATION_SECONDS",
        SettingType.NUMBER,
        86_400,
        "How long the mailed link that confirms an address is good for, and a registration waits for it.",
        unit="seconds",
        minimum=300,
        maximum=7 * 86_400,
    ),
    EnvironmentSetting(
        "PASSWORD_RESET_SECONDS",
        SettingType.NUMBER,
        600,
        "How long the mailed link to a new password is good for.",
        unit="seconds",
        minimum=60,
        maximum=3600,
    ),
]

_RECORDS = [
    EnvironmentSetting(
        "DELETION_RETENTION_DAYS",
        SettingType.NUMBER,
        30,
        "How long a deleted account can still be restored before everything about the person is erased.",
        unit="days",
        minimum=0,
        maximum=365,
    ),
    EnvironmentSetting(
        "TRUNCATE_IP_ADDRESSES",
        SettingType.SWITCH,
        False,
        "Whether security events keep only the network of an address (/24, /48).",
    ),
    EnvironmentSetting(
        "LOG_FORMAT",
        SettingType.CHOICE,
        "console",
        "How log lines look; `json` writes one object a line.",
        choices=("console", "json"),
    ),
    EnvironmentSetting(
        "LOG_LEVEL",
        SettingType.CHOICE,
        "INFO",
        "The least that is logged.",
        choices=("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"),
    ),
    EnvironmentSetting(
        "LOG_FILE", SettingType.TEXT, None, "A file to log into instead of stderr.", default_text="none"
    ),
]

_LIMITS = [
    EnvironmentSetting("RATELIMIT_ENABLED", SettingType.SWITCH, True, "Whether requests are limited at all."),
    EnvironmentSetting(
        "RATELIMIT_PROFILE",
        SettingType.CHOICE,
        None,
        "Which limits are shipped: those of production, or a hundred times as many for development.",
        default_text="`CEDRINA_ENV`",
        choices=("development", "staging", "production"),
    ),
    EnvironmentSetting(
        "RATELIMIT_POLICIES",
        SettingType.OBJECTS,
        (),
        "Policies that change the shipped ones by name, or stand beside them: "
        '`[{"name": "sign-in", "limit": 20}]`. What is left out stays; docs/rate-limiting.md has the members.',
        default_text="none",
    ),
    EnvironmentSetting(
        "SOCKETS_PER_ADDRESS",
        SettingType.NUMBER,
        None,
        "WebSockets of one address that each process keeps open; one more is closed with 4429. IPv6 is counted by /64, "
        "and the /56 and /48 around it may have 4 and 16 times as many.",
        default_text="100; with the profile of development 10000",
        minimum=1,
        maximum=100_000,
    ),
]

GROUPS: dict[str, list[EnvironmentSetting]] = {
    "Environment": [ENVIRONMENT],
    "Secrets": _SECRETS,
    "Stores": _STORES,
    "Serving": _SERVING,
    "Mail": _MAIL,
    "Tokens and sessions": TOKENS,
    "Passwords": PASSWORDS,
    "Social sign-in": SOCIAL,
    "Second factors": SECOND_FACTORS,
    "Limits": _LIMITS,
    "Records": _RECORDS,
}
SETTINGS: dict[str, EnvironmentSetting] = {setting.name: setting for group in GROUPS.values() for setting in group}
