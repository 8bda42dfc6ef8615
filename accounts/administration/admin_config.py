"""The app config of Django's admin with the sign-in of this app."""

from django.contrib.admin.apps import AdminConfig


class MfaAdminConfig(AdminConfig):
    """Replaces ``django.contrib.admin`` in INSTALLED_APPS."""

    default = False
    default_site = "accounts.administration.admin_site.MfaAdminSite"
