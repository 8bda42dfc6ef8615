"""The app config of Django's admin with the sign-in of this app."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.contrib.admin import autodiscover
from django.contrib.admin.apps import SimpleAdminConfig
from django.contrib.admin.checks import check_admin_app, check_dependencies
from django.core import checks


class MfaAdminConfig(SimpleAdminConfig):
    """Replaces ``django.contrib.admin`` in INSTALLED_APPS.

    The site's URLs and the checks import the admin modules, with the services that they call. Django's own config
    imports them in every process, which takes a command 0.2 s.
    """

    default = False
    default_site = "accounts.administration.admin_site.MfaAdminSite"

    def ready(self) -> None:
        checks.register(check_dependencies, checks.Tags.admin)
        checks.register(check_discovered_admin, checks.Tags.admin)


def check_discovered_admin(app_configs: Sequence[AppConfig] | None, **options: Any) -> Sequence[checks.CheckMessage]:
    """Import the admin modules of all apps, then check what they registered as Django does."""
    autodiscover()
    return check_admin_app(app_configs, **options)
