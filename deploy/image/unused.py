"""What is in libraries and no server of Cedrina uses, by globs within site-packages."""

# Whole packages of modules, so that nothing left can import a half of one.
PATHS = (
    # Tests, sources of native libraries, types, and tools of people who develop a library.
    "**/tests",
    "automat/_test",
    "autobahn/**/test",
    "constantly/test",
    "hyperlink/test",
    "twisted/**/test",
    "**/node_modules",
    "**/bin",
    "**/*.pyi",
    "**/*.pyx",
    "**/*.pxd",
    "**/static/**/*.map",
    "*.dist-info/RECORD",
    "*.dist-info/sboms",
    "pydantic/mypy.py",
    "pydantic/v1",
    # Django: databases and apps that are not installed, and scripts whose small form its pages load.
    "django/contrib/gis",
    "django/contrib/flatpages",
    "django/contrib/humanize",
    "django/contrib/redirects",
    "django/contrib/sitemaps",
    "django/contrib/syndication",
    "django/db/backends/mysql",
    "django/db/backends/oracle",
    "django/contrib/admin/static/admin/js/vendor/jquery/jquery.js",
    "django/contrib/admin/static/admin/js/vendor/select2/select2.full.js",
    "django/contrib/admin/static/admin/js/vendor/xregexp/xregexp.js",
    # Pages of other front ends: the browsable API, Redoc, allauth's own.
    "rest_framework/static",
    "drf_spectacular_sidecar/static/drf_spectacular_sidecar/redoc",
    "drf_spectacular/validation",
    "drf_spectacular/management",
    "allauth/headless/spec",
    "allauth/idp",
    # Protocols of Twisted and Autobahn that are not HTTP or WebSockets.
    "twisted/conch",
    "twisted/mail",
    "twisted/names",
    "twisted/pair",
    "twisted/positioning",
    "twisted/runner",
    "twisted/scripts",
    "twisted/spread",
    "twisted/trial",
    "twisted/words",
    "autobahn/asyncio",
    # Authenticators on this machine, other event loops, and styles of programming that are not used.
    "fido2/client",
    "fido2/hid",
    "websockets/legacy",
    "websockets/sync",
    "websockets/trio",
)
# Of allauth's modules for providers, these alone are imported; accounts/providers has all others.
PROVIDERS = {"base", "facebook", "oauth2"}
