"""All settings of Django and of the apps. Only this package reads the environment (environment_settings.py)."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.utils.translation import gettext_lazy as _

from cedrina.settings import access_control, casbin, connections, development_data, dotenv, environment, relying_party
from cedrina.settings.rate_limits import TIERS, profile, sockets_per_address
from cedrina.version import VERSION
from cedrina_base.optional_imports import import_without

import_without("structlog", optional=["rich", "twisted"])  # before anything logs: 2 MiB for loggers that nobody uses
BASE_DIR = Path(__file__).resolve().parents[2]
IS_TEST = os.environ.get("DJANGO_SETTINGS_MODULE") == "cedrina.settings.test"
if not IS_TEST:
    dotenv.read_dotenv()
ENV = environment.load(environment.environment_of_test_run() if IS_TEST else None)
ENVIRONMENT: str = ENV.CEDRINA_ENV

# Always off: its pages show variables, and its 404 has not the contract's shape.
DEBUG = False
SECRET_KEY: str = ENV.SECRET_KEY
SECRET_KEY_FALLBACKS: list[str] = list(ENV.SECRET_KEY_FALLBACKS)
ALLOWED_HOSTS: list[str] = list(ENV.ALLOWED_HOSTS)
PUBLIC_URL: str = ENV.PUBLIC_URL.rstrip("/")
IS_HTTPS = PUBLIC_URL.startswith("https://")

INSTALLED_APPS = [
    "accounts.administration.admin_config.MfaAdminConfig",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "corsheaders",
    "csp",
    "procrastinate.contrib.django",
    # Used for models and providers; only accounts/factors and accounts/providers import it.
    "accounts.bridge.apps.AllauthAccountConfig",
    "allauth.mfa",
    "allauth.socialaccount",
    "cedrina_base",
    "security_events",
    "ratelimiting",
    "tokens",
    "accounts.access",
    "accounts",
    # After `accounts`, whose commands of the same names override Django's: they end sessions and record events.
    "django.contrib.auth",
    "cedrina",
]
MIDDLEWARE = [
    "cedrina.http.middleware.RequestMiddleware",
    "ratelimiting.middleware.RateLimitMiddleware",
    # These act on pages only; calls of the API skip them.
    "cedrina.http.browser_middleware.StaticFilesMiddleware",
    "cedrina.http.browser_middleware.PageSessionMiddleware",
    "cedrina.http.browser_middleware.PageCsrfMiddleware",
    "cedrina.http.browser_middleware.AdminAuthenticationMiddleware",
    "cedrina.http.browser_middleware.PageMessageMiddleware",
    "cedrina.http.browser_middleware.PageSecurityPolicyMiddleware",
]
if ENV.CORS_ALLOWED_ORIGINS:
    MIDDLEWARE.insert(1, "corsheaders.middleware.CorsMiddleware")
ROOT_URLCONF = "cedrina.urls"
ASGI_APPLICATION = "cedrina.asgi.application"
APPEND_SLASH = False
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [
            *filter(None, [ENV.TEMPLATES_DIR]),
            BASE_DIR / "templates",
            BASE_DIR / "cedrina" / "templates",  # where the wheel is installed
        ],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
SILENCED_SYSTEM_CHECKS = [
    # Usernames are unique without regard to case by a constraint on an expression, which these checks do not find.
    "auth.E003",
    "auth.W004",
    # RequestMiddleware sends these headers; the CSRF middleware is a subclass that skips the API.
    "security.W001",
    "security.W002",
    "security.W003",
]

# Without DATABASE_URL, a development machine uses the database of the `make run` that runs in another terminal.
IS_DATABASE_NAMED = bool(ENV.DATABASE_URL) or IS_TEST
DATABASE_URL = ENV.DATABASE_URL
if not IS_DATABASE_NAMED and ENV.is_development:
    DATABASE_URL = development_data.remembered_database(directory=development_data.data_directory(ENV.CEDRINA_DATA_DIR))
connections.limit_name_lookups()
DATABASES = {"default": connections.database(DATABASE_URL, is_prepared=ENV.DATABASE_PREPARED_STATEMENTS)}
if ENV.DATABASE_REPLICA_URL:
    # Connections of single reads: `cedrina_base.replica_reads` closes each.
    DATABASES["replica"] = connections.database(ENV.DATABASE_REPLICA_URL, is_prepared=False) | {
        "ENGINE": "cedrina.database.replica",
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": False,
        "TEST": {"MIRROR": "default"},
    }
    DATABASE_ROUTERS = ["cedrina.database.replica.router.ReplicaRouter"]
# The role that owns the tables, when another role serves. cedrina/database/table_owner.py uses it.
MIGRATION_DATABASE = (
    connections.database(ENV.DATABASE_MIGRATION_URL, is_prepared=False) if ENV.DATABASE_MIGRATION_URL else None
)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {"default": connections.cache(ENV.REDIS_URL)}
CHANNEL_LAYERS = connections.channel_layers(ENV.REDIS_URL)

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.backends.PooledBackend"]
# The first creates hashes. The others verify imported ones, which are replaced when their owner signs in.
PASSWORD_HASHERS = [
    "accounts.hashers.BCryptHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2SHA1PasswordHasher",
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.ScryptPasswordHasher",
    "accounts.importing.hashers.RawBCryptHasher",
    "accounts.importing.hashers.RawPBKDF2Hasher",
    "accounts.importing.hashers.WrappedHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "accounts.validators.LengthValidator"},
    {"NAME": "accounts.validators.MaximumLengthValidator"},
    {"NAME": "accounts.validators.CommonPasswordValidator"},
    {"NAME": "accounts.validators.SimilarityValidator"},
    {"NAME": "accounts.validators.StrengthValidator"},
]

ACCOUNT_ADAPTER = "accounts.bridge.account_adapter.AccountAdapter"
SOCIALACCOUNT_ADAPTER = "accounts.bridge.social_adapter.SocialAdapter"
ACCOUNT_EMAIL_VERIFICATION = "none"  # addresses are confirmed by our own services
MFA_ADAPTER = "accounts.factors.adapter.MFAAdapter"
MFA_SUPPORTED_TYPES = ["recovery_codes", "totp", "webauthn"]
MFA_RECOVERY_CODE_DIGITS = 12

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("es", _("Spanish")), ("fa", _("Persian")), ("ar", _("Arabic"))]
LOCALE_PATHS = [
    *filter(None, [ENV.LOCALE_DIR]),
    BASE_DIR / "locale",
    BASE_DIR / "cedrina_base" / "locale",  # as above
]
USE_I18N = True
FORMAT_MODULE_PATH = ["cedrina.formats"]
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
# Files are served from the packages, so that no collectstatic is needed before the first start.
WHITENOISE_USE_FINDERS = True

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_HTTPS
SESSION_COOKIE_NAME = "__Host-cedrina_admin" if IS_HTTPS else "cedrina_admin"
CSRF_COOKIE_NAME = "__Host-cedrina_csrf" if IS_HTTPS else "cedrina_csrf"
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Strict"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "cedrina.http.error_views.csrf_failure"
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
SECURE_HSTS_SECONDS = 31_536_000 if IS_HTTPS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if ENV.TRUSTED_PROXIES else None
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}
CORS_ALLOWED_ORIGINS = list(ENV.CORS_ALLOWED_ORIGINS)
CORS_URLS_REGEX = r"^/(api|oauth|\.well-known)/"
CORS_ALLOW_HEADERS = [
    "accept",
    "accept-language",
    "authorization",
    "content-type",
    "idempotency-key",
    "if-match",
    "x-correlation-id",
]
CORS_EXPOSE_HEADERS = [
    "etag",
    "retry-after",
    "www-authenticate",
    "x-correlation-id",
    "x-next-cursor",
    "x-policy-version",
    "ratelimit",
    "ratelimit-policy",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
]
# The maximum body of the API. Forms of the admin are smaller, too.
MAX_BODY_BYTES = 64 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES

DEFAULT_FROM_EMAIL: str = ENV.DEFAULT_FROM_EMAIL
SERVER_EMAIL = DEFAULT_FROM_EMAIL
EMAIL_BACKEND: str
globals().update(connections.mail(ENV.EMAIL_URL))
# The backend that delivers on a development machine, where another one writes a line for each mail.
MAIL_LINES: dict[str, str] = {}

# The worker imports them. By default, every process would import the modules named `tasks`.
PROCRASTINATE_IMPORT_PATHS = ["accounts.tasks", "cedrina.operations.jobs"]
PROCRASTINATE_AUTODISCOVER_MODULE_NAME = ""

LOGGING_CONFIG = "cedrina.operations.logging.configure"
IS_DEVELOPMENT = ENV.is_development and not IS_TEST
LOGGING = {
    "FORMAT": ENV.LOG_FORMAT,
    "LEVEL": ENV.LOG_LEVEL,
    "FILE": ENV.LOG_FILE,
    "HAS_SHORT_LINES": IS_DEVELOPMENT and ENV.LOG_FORMAT == "console",
}

PROBLEM_TYPE_BASE: str = ENV.PROBLEM_TYPE_BASE
SERVING: dict[str, Any] = {
    "HOST": ENV.HOST,
    "PORT": ENV.PORT,
    "WORKERS": ENV.WEB_CONCURRENCY,
    "MAX_CONNECTIONS": ENV.DATABASE_POOL_MAX,
    "MIN_CONNECTIONS": ENV.DATABASE_POOL_MIN,
    # Threads for all hashes that are computed or wait, one that is refused by the full queue, some for the admin, and
    # eight that may wait for each provider.
    "THREADS": ENV.HASHING_THREADS + ENV.HASHING_QUEUE + 8 + 8 * len(ENV.SOCIAL_PROVIDERS),
}
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["tokens.api.authentication.AccessTokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["cedrina.http.json.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["cedrina.http.json.OrjsonRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "cedrina.http.json.JSONOnlyNegotiation",
    "DEFAULT_SCHEMA_CLASS": "cedrina.openapi.schema.ProblemAutoSchema",
    "DEFAULT_METADATA_CLASS": None,
    "UNAUTHENTICATED_USER": None,
    "UNAUTHENTICATED_TOKEN": None,
    "EXCEPTION_HANDLER": "cedrina.http.problems.problem_handler",
}
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Cedrina",
    "DESCRIPTION": "Accounts, sessions and tokens. Every error is `application/problem+json` (RFC 9457).",
    "VERSION": VERSION,
    "OAS_VERSION": "3.1.1",
    "CONTACT": {"name": "Cedrina", "url": "https://cedrina.dev"},
    "LICENSE": {"name": "MIT License", "identifier": "MIT"},
    # Relative to the address of the document (OpenAPI 3.1.1, 4.8.5), so it is right for each installation.
    "SERVERS": [{"url": "/", "description": "The server of this document"}],
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    # No badge of a validator elsewhere, which would be sent the address of this document.
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "displayRequestDuration": True, "validatorUrl": None},
    "EXTERNAL_DOCS": {"description": "How to write a client", "url": "/api/docs/guide"},
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "POSTPROCESSING_HOOKS": ["cedrina.openapi.document.complete_document"],
    "SERVE_PUBLIC": True,
}

MONITORING: dict[str, Any] = {
    "ALLOWED_NETWORKS": tuple(ENV.METRICS_ALLOWED_NETWORKS),
    "SENTRY_DSN": ENV.SENTRY_DSN,
    "TRACES_ENDPOINT": ENV.traces_endpoint,
    "TRACES_HEADERS": ENV.OTEL_EXPORTER_OTLP_HEADERS,
    "FIGURES_DIR": Path(ENV.METRICS_DIR).absolute() if ENV.METRICS_DIR else None,
}
IS_HARDENED = ENV.TOKEN_PROFILE == "hardened"
CEDRINA_BASE: dict[str, Any] = {
    "OUTBOUND_ALLOWED_NETWORKS": list(ENV.OUTBOUND_ALLOWED_NETWORKS),
    "OUTBOUND_ALLOWED_PORTS": ENV.OUTBOUND_ALLOWED_PORTS or ([80, 443] if ENV.is_development else [443]),
    "OUTBOUND_PLAIN_HTTP": ENV.is_development,
}
TOKENS: dict[str, Any] = {
    "ISSUER": ENV.TOKEN_ISSUER or PUBLIC_URL,
    "AUDIENCE": ENV.TOKEN_AUDIENCE,
    "ACCESS_TOKEN_ALGORITHM": ENV.ACCESS_TOKEN_ALGORITHM,
    "ACCESS_TTL": timedelta(seconds=ENV.ACCESS_TOKEN_SECONDS),
    "SESSION_IDLE_TTL": timedelta(seconds=ENV.SESSION_IDLE_SECONDS or (1800 if IS_HARDENED else 7 * 86_400)),
    "SESSION_ABSOLUTE_TTL": timedelta(seconds=ENV.SESSION_ABSOLUTE_SECONDS or (43_200 if IS_HARDENED else 30 * 86_400)),
    "REFRESH_RACE_TTL": timedelta(seconds=ENV.REFRESH_RACE_SECONDS),
    "REFRESH_LOST_REPLY_TTL": timedelta(hours=ENV.REFRESH_LOST_REPLY_HOURS),
    "REFRESH_OWN_REPEATS": ENV.REFRESH_OWN_REPEATS,
    "REFRESH_FOREIGN_REPEATS": ENV.REFRESH_FOREIGN_REPEATS,
    "REFRESH_KEY_EPOCH": ENV.REFRESH_KEY_EPOCH,
    "JWKS_PROPAGATION_TTL": timedelta(seconds=ENV.JWKS_PROPAGATION_SECONDS),
    "MAX_SESSIONS_PER_USER": ENV.MAX_SESSIONS_PER_USER,
    "SESSION_OVERFLOW": ENV.SESSION_OVERFLOW,
    "FIELD_ENCRYPTION_KEYS": ENV.FIELD_ENCRYPTION_KEYS,
    "FURTHER_JWKS": "security_events.selectors.sealing.audit_jwks.audit_jwks",
    "ROLES": "accounts.rules.user_claims.roles_of",
    "TIER": "accounts.rules.user_claims.tier_of",
    "HAS_SECOND_FACTOR": "accounts.rules.user_claims.has_second_factor",
    "ACTIVE_USER": {"is_active": True, "deleted_at": None},
    "API_PERMISSIONS": "accounts.api.permissions.action_permissions",
    "CLIENT_LIMIT": "cedrina.rate_limit_hooks.client_wait",
    "CONFIRMED_EMAIL": "accounts.rules.user_claims.confirmed_email_of",
    "USER_OF_EMAIL": "accounts.selectors.id_of_confirmed_address",
    "SSF_EMAIL_SUBJECTS": ENV.SSF_EMAIL_SUBJECTS,
    "MAY": "accounts.access.services.decisions.may",
    "MAY_ACT_AS_CLIENT": "accounts.access_subjects.may_act_as_client",
}
ACCOUNTS: dict[str, Any] = {
    "EMAIL_CONFIRMATION": ENV.EMAIL_CONFIRMATION,
    # Nobody can own these domains (RFC 2606, 2), and no mail to them leaves a machine of development.
    "RESERVED_DOMAINS": ["test", "localhost", "example"] if ENV.is_development else [],
    "EMAIL_CONFIRMATION_TTL": timedelta(seconds=ENV.EMAIL_CONFIRMATION_SECONDS),
    "PASSWORD_RESET_TTL": timedelta(seconds=ENV.PASSWORD_RESET_SECONDS),
    "INVITATION_TTL": timedelta(seconds=ENV.INVITATION_SECONDS),
    "PASSWORD_MIN_LENGTH": ENV.PASSWORD_MIN_LENGTH,
    "PASSWORD_HISTORY": ENV.PASSWORD_HISTORY,
    "BCRYPT_ROUNDS": ENV.BCRYPT_ROUNDS,
    "HASHING_THREADS": ENV.HASHING_THREADS,
    "HASHING_QUEUE": ENV.HASHING_QUEUE,
    "HASHING_WAIT": timedelta(seconds=ENV.HASHING_WAIT_SECONDS),
    "WHILE_HASHING": "cedrina.serving.connection_pool.connection_released",
    "DELETION_RETENTION": timedelta(days=ENV.DELETION_RETENTION_DAYS),
    "PUBLIC_URL": PUBLIC_URL,
    "APP_NAME": ENV.APP_NAME,
    "APP_URL": ENV.APP_URL.rstrip("/"),
    "SUPPORT_EMAIL": ENV.SUPPORT_EMAIL,
    "INCIDENT_MAIL": ENV.INCIDENT_MAIL,
    "BRAND_LOGO": ENV.BRAND_LOGO,
    "BRAND_COLOUR": ENV.BRAND_COLOUR,
    "SOCIAL_PROVIDERS": ENV.SOCIAL_PROVIDERS,
    "WHILE_WAITING": "cedrina.serving.connection_pool.connection_released",
    "TOTP_ISSUER": ENV.TOTP_ISSUER or "",
    "SECOND_FACTOR_RESET_WAIT": timedelta(hours=ENV.SECOND_FACTOR_RESET_HOURS),
    "WEBAUTHN_RP_ID": ENV.WEBAUTHN_RP_ID or relying_party.default_id(PUBLIC_URL),
    "WEBAUTHN_ORIGINS": list(ENV.WEBAUTHN_ORIGINS) or [relying_party.default_origin(PUBLIC_URL)],
}
SECURITY_EVENTS: dict[str, Any] = {
    "PRODUCT_VERSION": VERSION,
    "SOURCE": PUBLIC_URL,
    "RETENTION_DAYS": ENV.AUDIT_RETENTION_DAYS,
    "RETENTION_DAYS_BY_CATEGORY": ENV.AUDIT_RETENTION_BY_CATEGORY,
    "LEAF_RETENTION_DAYS": ENV.AUDIT_LEAF_RETENTION_DAYS,
    "CHECKPOINTS_OUTSIDE": "security_events.selectors.sealing.kept_checkpoints.in_files",
    "FIELD_ENCRYPTION_KEYS": ENV.FIELD_ENCRYPTION_KEYS,
    "GEOIP_PATHS": list(ENV.GEOIP_PATH),
    "RELAYS": list(ENV.RELAYS),
    "TRUNCATE_IP_ADDRESSES": ENV.TRUNCATE_IP_ADDRESSES,
    "AUDIT_ORIGIN": PUBLIC_URL.partition("://")[2],
    "AUDIT_SEAL_SECONDS": ENV.AUDIT_SEAL_SECONDS,
    "AUDIT_PUBLIC": ENV.AUDIT_PUBLIC,
    "SINKS": ENV.AUDIT_SINKS,
    "AUDIT_WITNESSES": ENV.AUDIT_WITNESSES,
    "API_PERMISSIONS": "accounts.api.permissions.action_permissions",
    "LINKS": "accounts.administration.subject_links.links_of_subjects",
    "SUBJECT_ID": "accounts.administration.subject_links.subject_id",
    "SINK_NOTICE": "accounts.services.mailing.sink_owners.tell",
    "INCIDENT_NOTICE": "accounts.services.mailing.incident_mail.tell",
}
RATELIMITING: dict[str, Any] = {
    "TRUSTED_PROXIES": list(ENV.TRUSTED_PROXIES),
    "TRUSTED_PROXY_HEADER": ENV.TRUSTED_PROXY_HEADER,
    "ENABLED": ENV.RATELIMIT_ENABLED,
    "POLICIES": profile(ENV.RATELIMIT_PROFILE or ENVIRONMENT),
    "OVERRIDES": ENV.RATELIMIT_POLICIES,
    "TIERS": list(TIERS),
    "CALLER": "cedrina.rate_limit_hooks.caller_from_token",
    "KEYS": {
        "account": "cedrina.rate_limit_hooks.account_key",
        "family": "cedrina.rate_limit_hooks.family_key",
        "network": "cedrina.rate_limit_hooks.network_key",
        "tightened_client": "cedrina.rate_limit_hooks.tightened_client_key",
        "tightened_network": "cedrina.rate_limit_hooks.tightened_network_key",
    },
    "REFUSAL": "cedrina.rate_limit_hooks.refusal_response",
    "API_PERMISSIONS": "cedrina.rate_limit_hooks.api_permissions",
    "MAY": "accounts.access.services.decisions.may",
    "REDIS_URL": ENV.REDIS_URL,
    "SOCKETS_PER_ADDRESS": ENV.SOCKETS_PER_ADDRESS or sockets_per_address(ENV.RATELIMIT_PROFILE or ENVIRONMENT),
}
DAUTHZ = casbin.DAUTHZ
ACCESS: dict[str, Any] = access_control.settings(ENV, public_url=PUBLIC_URL)
