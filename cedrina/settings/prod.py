"""Staging and production. The start was already refused if a secret or a name was missing."""

from cedrina.settings.base import *

SECURE_HSTS_INCLUDE_SUBDOMAINS = True
