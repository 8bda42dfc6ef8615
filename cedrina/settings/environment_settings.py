"""All settings of the environment. docs/configuration.md is generated from them."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from cedrina.settings.identity_settings import Passwords, SecondFactors, SocialSignIn, Tokens
from cedrina.settings.setting_types import (
    LOWER,
    MOST_DAYS,
    SHORTEST_DAYS,
    UPPER,
    Addresses,
    AppName,
    CategoryDays,
    Colour,
    Days,
    FieldKeys,
    Files,
    Folder,
    Items,
    LogoFile,
    Networks,
    Number,
    Objects,
    Ports,
    Relays,
    Seconds,
    Section,
    Sender,
    Sinks,
    SupportAddress,
    Switch,
    Text,
    Url,
)

DAY = 86_400


class Profile(Section):
    model_config = ConfigDict(title="Environment")

    CEDRINA_ENV: Annotated[Literal["development", "staging", "production"], LOWER] = "development"
    """Chooses the profile and how strict the start is. Staging is as strict as production."""
    CEDRINA_DATA_DIR: Text = ".data"
    """In development, where `make run` keeps its database and its secrets, and where `manage.py` looks for them. A
    relative path is one below the project's directory."""


class Secrets(Section):
    model_config = ConfigDict(title="Secrets")

    SECRET_KEY: Text = Field("", repr=False, json_schema_extra={"x-default": "made in development, required otherwise"})
    """What refresh tokens, sessions of the admin and pseudonyms are derived from. At least 50 characters."""
    SECRET_KEY_FALLBACKS: Items = Field([], repr=False)
    """Former values of SECRET_KEY: what was made under them is accepted still, so that the secret can be changed
    without signing everybody out. Take each away once `SESSION_ABSOLUTE_SECONDS` have passed."""
    FIELD_ENCRYPTION_KEYS: FieldKeys = Field(
        [], repr=False, json_schema_extra={"x-default": "made in development, required otherwise"}
    )
    """Keys of encrypted columns: `id:base64 of 32 bytes`. The first encrypts, all decrypt."""


class Stores(Section):
    model_config = ConfigDict(title="Stores")

    DATABASE_URL: Url | None = Field(
        None,
        repr=False,
        json_schema_extra={"x-default": "the database of the running `make run`; required in staging and production"},
    )
    """PostgreSQL 16 or newer: `postgres://user:password@host:5432/name`, over a socket
    `postgres:////directory/name` or `postgres:///name?host=/directory`."""
    DATABASE_MIGRATION_URL: Url | None = Field(
        None, repr=False, json_schema_extra={"x-default": "`DATABASE_URL`: one role for all"}
    )
    """The same database by the role that owns the tables. `manage.py migrate` uses it, and afterwards lets the role
    of `DATABASE_URL` do what serving needs and nothing else; servers and worker must not be given it."""
    DATABASE_REPLICA_URL: Url | None = Field(None, repr=False, json_schema_extra={"x-default": "none"})
    """A streaming replica of the same database, by the role of `DATABASE_URL`. Histories and lists of security events
    are read there while it shows all that is committed; otherwise, and for all else, `DATABASE_URL` is read."""
    DATABASE_PREPARED_STATEMENTS: Switch = True
    """Let PostgreSQL keep the plans of the statements that every request needs. Switch it off behind a pooler that
    gives each transaction another connection and doesn't follow prepared statements (PgBouncer before 1.21)."""
    DATABASE_POOL_MIN: Number = Field(1, ge=0, le=64)
    """Connections that a worker opens before its first request."""
    DATABASE_POOL_MAX: Number = Field(4, ge=1, le=64)
    """Connections that a worker has at most, and so how many of its requests compute at the same time. Those that
    wait for a password hash or for their client's body hold none."""
    REDIS_URL: Url | None = Field(None, repr=False, json_schema_extra={"x-default": "none: in-process stores"})
    """Rate limits, cache and hints of new events. Without it the first two live in the process, which serves one
    process only."""


class Serving(Section):
    model_config = ConfigDict(title="Serving")

    HOST: Text = "127.0.0.1"
    """Address that the servers listen on."""
    PORT: Number = Field(8000, ge=0, le=65535)
    """Port that the servers listen on."""
    WEB_CONCURRENCY: Number = Field(1, ge=1, le=256)
    """HTTP worker processes."""
    ALLOWED_HOSTS: Items = Field(
        ["localhost", "127.0.0.1", "[::1]"],
        json_schema_extra={
            "x-default": "loopback, `HOST` and the host of `PUBLIC_URL` in development, required otherwise"
        },
    )
    """Names under which this server may be addressed."""
    PUBLIC_URL: Url = Field(
        "", json_schema_extra={"x-default": "`http://localhost:PORT` in development, required otherwise"}
    )
    """Where people reach this server. Links in mail and the metadata documents come from this alone."""
    CORS_ALLOWED_ORIGINS: Items = []
    """Origins of browser applications, `https://app.example.com`."""
    TRUSTED_PROXIES: Items = []
    """Networks of the proxies in front, `10.0.0.0/8`. Forwarding headers of anybody else are ignored."""
    TRUSTED_PROXY_HEADER: Annotated[Literal["x-forwarded-for", "forwarded", "both"], LOWER] = "x-forwarded-for"
    """The header in which those proxies say whose request it is; the other one is ignored, since they may pass on
    what a client wrote into it. With `both`, those that are there must agree."""
    PROBLEM_TYPE_BASE: Url = "https://cedrina.dev/problems/"
    """What the `type` of every problem begins with (RFC 9457)."""


class OutgoingHttp(Section):
    model_config = ConfigDict(title="Outgoing HTTP")

    OUTBOUND_ALLOWED_NETWORKS: Networks = []
    """Networks that webhooks and other outgoing requests may reach although they are not public, `10.1.0.0/16`. All
    other private, local and reserved addresses are refused."""
    OUTBOUND_ALLOWED_PORTS: Ports = Field([], json_schema_extra={"x-default": "443; in development 80,443"})
    """Ports that these requests may use. Without TLS they are sent in development only."""


class Branding(Section):
    model_config = ConfigDict(title="Application")

    APP_NAME: AppName = "Cedrina"
    """What mails, pages, the admin and authenticator applications call the application. branding.md shows where."""
    APP_URL: Url = Field("", json_schema_extra={"x-default": "`PUBLIC_URL`"})
    """Where people use the application. Mails and pages link back to it."""
    SUPPORT_EMAIL: SupportAddress = Field("", json_schema_extra={"x-default": "none"})
    """Where people may ask. Mails and pages name it."""
    BRAND_LOGO: LogoFile = Field("", json_schema_extra={"x-default": "none: the name is shown"})
    """The logo: a PNG file of at most 64 KiB and 1024 pixels. Mails contain it, so that it is shown without being
    fetched. SVG is refused, because mail programs don't show it and it can run scripts."""
    BRAND_COLOUR: Colour = "#1f6f5c"
    """Colour of buttons, links and marks. What can't be read is made lighter or darker: text on it is white or black,
    and as text on light and dark pages it reaches a contrast of 4.5:1."""
    TEMPLATES_DIR: Folder = Field("", json_schema_extra={"x-default": "none"})
    """Templates that replace those of the same name, for mails and pages. branding.md lists them with their context."""
    LOCALE_DIR: Folder = Field("", json_schema_extra={"x-default": "none"})
    """Catalogues whose sentences replace those of `locale/`: `en/LC_MESSAGES/django.mo`. branding.md has an example."""


class Mail(Section):
    model_config = ConfigDict(title="Mail")

    EMAIL_URL: Url = Field(
        "consolemail:", repr=False, json_schema_extra={"x-default": "`consolemail:` in development, required otherwise"}
    )
    """`smtp://user:password@host:587`, `smtp+tls://…`, `smtp+ssl://…`, `filemail:///directory`, `consolemail:`."""
    DEFAULT_FROM_EMAIL: Sender = "no-reply@localhost"
    """Sender of every mail. Without a name, mails bear that of the application: `APP_NAME`."""
    EMAIL_CONFIRMATION: Annotated[Literal["required", "optional"], LOWER] = "required"
    """Whether an account is opened, and may be signed in to, only once its address is confirmed. With `optional` it
    is opened at once, and registering tells whether an address has an account."""
    EMAIL_CONFIRMATION_SECONDS: Seconds = Field(86400, ge=300, le=604800)
    """How long the mailed link that confirms an address is good for, and a registration waits for it."""
    PASSWORD_RESET_SECONDS: Seconds = Field(600, ge=60, le=3600)
    """How long the mailed link to a new password is good for."""
    INVITATION_SECONDS: Seconds = Field(259200, ge=3600, le=2592000)
    """How long the mailed link of an invitation is good for, by which a person chooses their first password."""
    INCIDENT_MAIL: Addresses = Field([], max_length=20, json_schema_extra={"x-default": "none"})
    """Who is told of new incidents of high and critical severity, in the language of the installation: at once, and
    while there are more, in sums that come a minute to a quarter of an hour apart. incidents.md shows one."""


class Limits(Section):
    model_config = ConfigDict(title="Limits")

    RATELIMIT_ENABLED: Switch = True
    """Whether requests are limited at all."""
    RATELIMIT_PROFILE: Annotated[Literal["development", "staging", "production"], LOWER] | None = Field(
        None, json_schema_extra={"x-default": "`CEDRINA_ENV`"}
    )
    """Which limits are shipped: those of production, or a hundred times as many for development."""
    RATELIMIT_POLICIES: Objects = []
    """Policies that change the shipped ones by name, or stand beside them: `[{"name": "sign-in", "limit": 20}]`.
    What is left out stays; docs/rate-limiting.md has the members."""
    SOCKETS_PER_ADDRESS: Number | None = Field(
        None, ge=1, le=100000, json_schema_extra={"x-default": "100; with the profile of development 10000"}
    )
    """WebSockets of one address that each process keeps open; one more is closed with 4429. IPv6 is counted by /64,
    and the /56 and /48 around it may have 4 and 16 times as many."""


class Access(Section):
    model_config = ConfigDict(title="Access control")

    ACCESS_ENGINE: Annotated[Literal["index", "casbin"], LOWER] = "index"
    """What decides: the compiled index, or Casbin, the reference, which is a thousand times slower with many rules."""
    ACCESS_MAX_STALENESS: Seconds = Field(30, ge=2, le=3600)
    """How long a process decides by a policy that it can't compare with the database. Afterwards it refuses all."""
    POLICY_APPROVERS: Number = Field(0, ge=0, le=5)
    """How many people other than its author must approve a draft of the policy before it can be applied."""
    ACCESS_RECORD_DAYS: Days = Field(30, ge=0, le=365)
    """For how many days decisions are recorded, so that a draft can be tried on them; 0 records none."""


class Records(Section):
    model_config = ConfigDict(title="Records")

    DELETION_RETENTION_DAYS: Days = Field(30, ge=0, le=365)
    """How long a deleted account can still be restored before everything about the person is erased."""
    TRUNCATE_IP_ADDRESSES: Switch = False
    """Whether security events keep only the network of an address (/24, /48)."""
    GEOIP_PATH: Files = Field([], json_schema_extra={"x-default": "none: no place is known"})
    """Files in the MaxMind DB format that say where an address is. People then see the places of their sessions.
    Replace a file by renaming a new one, as `geoipupdate` does; servers see it at once."""
    RELAYS: Relays = []
    """Networks and autonomous systems of VPNs, private relays and carriers of phones, `198.51.100.0/24,AS64500`. Their
    place is not that of the person, so it is no journey. Systems need a file of `GEOIP_PATH` that knows providers."""
    LOG_FORMAT: Annotated[Literal["console", "json"], LOWER] = "console"
    """How log lines look; `json` writes one object a line."""
    LOG_LEVEL: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], UPPER] = "INFO"
    """The least that is logged."""
    LOG_FILE: Text | None = None
    """A file to log into instead of stderr."""


class Monitoring(Section):
    model_config = ConfigDict(title="Monitoring")

    METRICS_ALLOWED_NETWORKS: Networks = ["127.0.0.0/8", "::1/128"]
    """Networks whose clients may read `/metrics` and `/api/v1/health` without a token. Their address is that of
    `TRUSTED_PROXIES`. See observability.md."""
    METRICS_DIR: Text = Field("", json_schema_extra={"x-default": "none: each server has its own"})
    """The folder in which all processes of one machine keep their figures: HTTP workers, WebSockets and the background
    worker. Each then shows those of all. In memory (tmpfs), if possible."""
    SENTRY_DSN: Url = Field("", repr=False, json_schema_extra={"x-default": "none: errors are only logged"})
    """Where classes and places of errors are sent, without their messages: a Sentry, or what speaks its protocol. Needs
    the extra `errors`."""
    OTEL_EXPORTER_OTLP_ENDPOINT: Url = Field("", json_schema_extra={"x-default": "none: nothing is traced"})
    """The collector to which spans of requests, statements and jobs are sent by OTLP over HTTP, without `/v1/traces`:
    `http://collector:4318`. Needs the extra `otel`. See observability.md."""
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: Url = Field(
        "", json_schema_extra={"x-default": "`OTEL_EXPORTER_OTLP_ENDPOINT` with `/v1/traces`"}
    )
    """The same, as a whole URL."""
    OTEL_EXPORTER_OTLP_HEADERS: Text = Field("", repr=False, json_schema_extra={"x-default": "none"})
    """What the collector is sent beside spans: `authorization=Bearer%20…`, separated by commas."""
    OTEL_SDK_DISABLED: Switch = False
    """Trace nothing, whatever else is set."""


class AuditTrail(Section):
    model_config = ConfigDict(title="Audit trail")

    AUDIT_SEAL_SECONDS: Seconds = Field(10, ge=1, le=1800)
    """How often new security events are sealed: appended to a tree whose root is signed. From 60 on, in whole
    minutes. See audit-trail.md."""
    AUDIT_RETENTION_DAYS: Days | None = Field(
        None, ge=SHORTEST_DAYS, le=MOST_DAYS, json_schema_extra={"x-default": "none: for ever"}
    )
    """For how long security events are kept. `manage.py migrate` stores the term in the database; a shorter one counts
    from then on. Events are deleted with the month that they are part of, so up to a month later."""
    AUDIT_RETENTION_BY_CATEGORY: CategoryDays = Field(
        {}, json_schema_extra={"x-default": "none: `AUDIT_RETENTION_DAYS`"}
    )
    """Other terms of categories: `ratelimit=30,session=365,key=ever`. Categories are in event-types.md."""
    AUDIT_LEAF_RETENTION_DAYS: Days | None = Field(
        None, ge=SHORTEST_DAYS, le=MOST_DAYS, json_schema_extra={"x-default": "none: for ever"}
    )
    """For how long the hash of an event is kept that has expired. See production.md."""
    AUDIT_WITNESSES: Objects = Field([], json_schema_extra={"x-default": "none"})
    """Services of others that sign each state of the trail, as long as it only grows (C2SP tlog-witness):
    `[{"key": "witness.example+1f2e3d4c+BA…", "url": "https://witness.example"}]`. See audit-trail.md."""
    AUDIT_PUBLIC: Switch = False
    """Whether anybody may read the newest signed root, at `/.well-known/audit-checkpoint`. It says how many events
    there are, and nothing of them."""
    AUDIT_SINKS: Sinks = Field([], repr=False, json_schema_extra={"x-default": "none"})
    """Where events and signed roots are sent, so that the database's owner can't take them back:
    `syslog+tls://siem.example.com:6514`, `file:///var/log/cedrina/roots.txt`, `https://archive.example.com/roots`. A
    comma in a URL is `%2C`. syslog.md has the options."""


SECTIONS: tuple[type[Section], ...] = (
    Profile,
    Secrets,
    Stores,
    Serving,
    OutgoingHttp,
    Branding,
    Mail,
    Tokens,
    Passwords,
    SocialSignIn,
    SecondFactors,
    Limits,
    Access,
    Records,
    Monitoring,
    AuditTrail,
)


class EnvironmentSettings(
    Profile,
    Secrets,
    Stores,
    Serving,
    OutgoingHttp,
    Branding,
    Mail,
    Tokens,
    Passwords,
    SocialSignIn,
    SecondFactors,
    Limits,
    Access,
    Records,
    Monitoring,
    AuditTrail,
):
    """The values of all settings."""

    @property
    def is_development(self) -> bool:
        return self.CEDRINA_ENV == "development"

    @property
    def traces_endpoint(self) -> str:
        """The whole URL that spans are sent to, empty if none are (OpenTelemetry, OTLP Exporter, Endpoint URLs)."""
        if self.OTEL_SDK_DISABLED or not (self.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT or self.OTEL_EXPORTER_OTLP_ENDPOINT):
            return ""
        return self.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT or f"{self.OTEL_EXPORTER_OTLP_ENDPOINT.rstrip('/')}/v1/traces"


SETTINGS = EnvironmentSettings.model_fields
