"""The admin, with a sign-in of its own."""

from django.contrib.admin.apps import AdminConfig


class GuardedAdminConfig(AdminConfig):
    """Stands in INSTALLED_APPS for ``django.contrib.admin``."""

    default = False
    default_site = "accounts.administration.admin_site.GuardedAdminSite"
