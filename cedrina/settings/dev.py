"""Development on one machine: settings that the environment does not name have working defaults."""

from importlib.util import find_spec

from cedrina.settings.base import *
from cedrina.settings.base import INSTALLED_APPS

# The image leaves the development tools out, and may be run with CEDRINA_ENV=development all the same.
if find_spec("cedrina.tooling"):
    INSTALLED_APPS += ["cedrina.tooling"]
