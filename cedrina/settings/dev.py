"""Development on one machine: settings that the environment does not name have working defaults."""

from importlib.util import find_spec
from urllib.parse import urlsplit

from cedrina.settings.base import *
from cedrina.settings.base import EMAIL_BACKEND as _EMAIL_BACKEND
from cedrina.settings.base import ENV, INSTALLED_APPS, IS_DEVELOPMENT, MAIL_LINES, MIDDLEWARE, PUBLIC_URL
from cedrina.settings.public_address import LOCALHOST

# The image leaves the development tools out, and may be run with CEDRINA_ENV=development all the same.
if find_spec("cedrina.tooling"):
    INSTALLED_APPS += ["cedrina.tooling"]
    if _EMAIL_BACKEND == "django.core.mail.backends.filebased.EmailBackend":
        _EMAIL_BACKEND = "cedrina.tooling.sent_mail.backend.FolderBackend"  # one file for each mail, for /dev/mail

# DJANGO_SETTINGS_MODULE may name this module in another environment.
if IS_DEVELOPMENT:
    # Without EMAIL_URL nobody asked for mails on the terminal: the line of each mail has its link.
    _DELIVERY = (
        _EMAIL_BACKEND if "EMAIL_URL" in ENV.model_fields_set else "django.core.mail.backends.dummy.EmailBackend"
    )
    MAIL_LINES["BACKEND"] = _DELIVERY
    EMAIL_BACKEND = "cedrina.operations.mail_lines.MailLineBackend"
    if urlsplit(PUBLIC_URL).hostname == LOCALHOST:
        MIDDLEWARE.insert(1, "cedrina.http.loopback_redirect.LoopbackRedirectMiddleware")
