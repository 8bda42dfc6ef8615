"""Staging and production. `base` has already refused the start when a required setting was missing."""

from cedrina.settings.base import *

SECURE_HSTS_INCLUDE_SUBDOMAINS = True
