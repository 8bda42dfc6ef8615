"""Every setting that the environment may give. `docs/configuration.md` is written from this table."""

from cedrina.settings.declaration import Kind, Setting
from cedrina.settings.declared_identity import PASSWORDS, SECOND_FACTORS, SOCIAL, TOKENS

ENVIRONMENT = Setting(
    "CEDRINA_ENV",
    Kind.CHOICE,
    "development",
    "Chooses the profile and how strict the start is. Staging is as strict as production.",
    choices=("development", "staging", "production"),
)

_SECRETS = [
    Setting(
        "SECRET_KEY",
        Kind.TEXT,
        None,
        "What refresh tokens, sessions of the admin and pseudonyms are derived from. At least 50 characters.",
        default_text="made in development, required otherwise",
        is_secret=True,
    ),
    Setting(
        "SECRET_KEY_FALLBACKS",
        Kind.LIST,
        [],
        "Former values of SECRET_KEY: what was made under them is accepted still, so that the secret can be changed "
        "without signing everybody out. Take each away once `SESSION_ABSOLUTE_SECONDS` have passed.",
        default_text="none",
        is_secret=True,
    ),
    Setting(
        "FIELD_ENCRYPTION_KEYS",
        Kind.LIST,
        None,
        "Keys of encrypted columns: `id:base64 of 32 bytes`. The first encrypts, all decrypt.",
        default_text="made in development, required otherwise",
        is_secret=True,
    ),
]

_STORES = [
    Setting(
        "DATABASE_URL",
        Kind.URL,
        None,
        "PostgreSQL 16 or newer: `postgres://user:password@host:5432/name`, over a socket "
        "`postgres:////directory/name` or `postgres:///name?host=/directory`.",
        default_text="the embedded server of `make run`; required in staging and production",
        is_secret=True,
    ),
    Setting(
        "DATABASE_MIGRATION_URL",
        Kind.URL,
        None,
        "The same database by the role that owns the tables. `manage.py migrate` uses it, and afterwards lets the role "
        "of `DATABASE_URL` do what serving needs and nothing else; servers and worker must not be given it.",
        default_text="`DATABASE_URL`: one role for all",
        is_secret=True,
    ),
    Setting(
        "DATABASE_PREPARED_STATEMENTS",
        Kind.SWITCH,
        True,
        "Let PostgreSQL keep the plans of the statements that every request needs. Switch it off behind a pooler that "
        "gives each transaction another connection and doesn't follow prepared statements (PgBouncer before 1.21).",
    ),
    Setting(
        "DATABASE_POOL_MIN",
        Kind.NUMBER,
        1,
        "Connections that a worker opens before its first request.",
        minimum=0,
        maximum=64,
    ),
    Setting(
        "DATABASE_POOL_MAX",
        Kind.NUMBER,
        4,
        "Connections that a worker has at most, and so how many of its requests compute at the same time. "
        "Those that wait for a password hash or for their client's body hold none.",
        minimum=1,
        maximum=64,
    ),
    Setting(
        "REDIS_URL",
        Kind.URL,
        None,
        "Rate limits, cache and channel layer. Without it all live in the process, which serves one process only.",
        default_text="none: in-process stores",
        is_secret=True,
    ),
]

_SERVING = [
    Setting("HOST", Kind.TEXT, "127.0.0.1", "Address that the servers listen on."),
    Setting("PORT", Kind.NUMBER, 8000, "Port that the servers listen on.", minimum=0, maximum=65535),
    Setting("WEB_CONCURRENCY", Kind.NUMBER, 1, "HTTP worker processes.", minimum=1, maximum=256),
    Setting(
        "ALLOWED_HOSTS",
        Kind.LIST,
        ("localhost", "127.0.0.1", "[::1]"),
        "Names under which this server may be addressed.",
        default_text="loopback in development, required otherwise",
    ),
    Setting(
        "PUBLIC_URL",
        Kind.URL,
        None,
        "Where people reach this server. Links in mail and the metadata documents come from this alone.",
        default_text="loopback and `PORT` in development, required otherwise",
    ),
    Setting("CORS_ALLOWED_ORIGINS", Kind.LIST, (), "Origins of browser applications, `https://app.example.com`."),
    Setting(
        "TRUSTED_PROXIES",
        Kind.LIST,
        (),
        "Networks of the proxies in front, `10.0.0.0/8`. Forwarding headers of anybody else are ignored.",
    ),
    Setting(
        "TRUSTED_PROXY_HEADER",
        Kind.CHOICE,
        "x-forwarded-for",
        "The header in which those proxies say whose request it is; the other one is ignored, since they may pass on "
        "what a client wrote into it. With `both`, those that are there must agree.",
        choices=("x-forwarded-for", "forwarded", "both"),
    ),
    Setting(
        "PROBLEM_TYPE_BASE",
        Kind.URL,
        "https://cedrina.dev/problems/",
        "What the `type` of every problem begins with (RFC 9457).",
    ),
]

_MAIL = [
    Setting(
        "EMAIL_URL",
        Kind.URL,
        "consolemail:",
        "`smtp://user:password@host:587`, `smtp+tls://…`, `smtp+ssl://…`, `filemail:///directory`, `consolemail:`.",
        default_text="`consolemail:` in development, required otherwise",
        is_secret=True,
    ),
    Setting("DEFAULT_FROM_EMAIL", Kind.SENDER, "Cedrina <no-reply@localhost>", "Sender of every mail."),
    Setting(
        "EMAIL_CONFIRMATION",
        Kind.CHOICE,
        "required",
        "Whether an account is opened, and may be signed in to, only once its address is confirmed. With `optional` it "
        "is opened at once, and registering tells whether an address has an account.",
        choices=("required", "optional"),
    ),
    Setting(
        "EMAIL_CONFIRMATION_SECONDS",
        Kind.NUMBER,
        86_400,
        "How long the mailed link that confirms an address is good for, and a registration waits for it.",
        unit="seconds",
        minimum=300,
        maximum=7 * 86_400,
    ),
    Setting(
        "PASSWORD_RESET_SECONDS",
        Kind.NUMBER,
        600,
        "How long the mailed link to a new password is good for.",
        unit="seconds",
        minimum=60,
        maximum=3600,
    ),
]

_RECORDS = [
    Setting(
        "DELETION_RETENTION_DAYS",
        Kind.NUMBER,
        30,
        "How long a deleted account can still be restored before everything about the person is erased.",
        unit="days",
        minimum=0,
        maximum=365,
    ),
    Setting(
        "TRUNCATE_IP_ADDRESSES",
        Kind.SWITCH,
        False,
        "Whether security events keep only the network of an address (/24, /48).",
    ),
    Setting(
        "LOG_FORMAT",
        Kind.CHOICE,
        "console",
        "How log lines look; `json` writes one object a line.",
        choices=("console", "json"),
    ),
    Setting(
        "LOG_LEVEL",
        Kind.CHOICE,
        "INFO",
        "The least that is logged.",
        choices=("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"),
    ),
    Setting("LOG_FILE", Kind.TEXT, None, "A file to log into instead of stderr.", default_text="none"),
]

_LIMITS = [
    Setting("RATELIMIT_ENABLED", Kind.SWITCH, True, "Whether requests are limited at all."),
    Setting(
        "RATELIMIT_PROFILE",
        Kind.CHOICE,
        None,
        "Which limits are shipped: those of production, or a hundred times as many for development.",
        default_text="`CEDRINA_ENV`",
        choices=("development", "staging", "production"),
    ),
    Setting(
        "RATELIMIT_POLICIES",
        Kind.OBJECTS,
        (),
        "Policies that change the shipped ones by name, or stand beside them: "
        '`[{"name": "sign-in", "limit": 20}]`. What is left out stays; docs/rate-limiting.md has the members.',
        default_text="none",
    ),
    Setting(
        "SOCKETS_PER_ADDRESS",
        Kind.NUMBER,
        None,
        "WebSockets of one address that each process keeps open; one more is closed with 4429. IPv6 is counted by /64, "
        "and the /56 and /48 around it may have 4 and 16 times as many.",
        default_text="100; with the profile of development 10000",
        minimum=1,
        maximum=100_000,
    ),
]

GROUPS: dict[str, list[Setting]] = {
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
SETTINGS: dict[str, Setting] = {setting.name: setting for group in GROUPS.values() for setting in group}
