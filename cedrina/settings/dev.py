"""Development on one machine: settings that the environment does not name have working defaults."""

from importlib.util import find_spec

from cedrina.settings.base import *
from cedrina.settings.base import EMAIL_BACKEND as _EMAIL_BACKEND
from cedrina.settings.base import INSTALLED_APPS

# The image leaves the development tools out, and may be run with CEDRINA_ENV=development all the same.
if find_spec("cedrina.tooling"):
    INSTALLED_APPS += ["cedrina.tooling"]
    if _EMAIL_BACKEND == "django.core.mail.backends.filebased.EmailBackend":
        EMAIL_BACKEND = "cedrina.tooling.sent_mail.backend.FolderBackend"  # one file for each mail, for /dev/mail
