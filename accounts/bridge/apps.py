"""The app of ``allauth.account`` without its views."""

from django.apps import AppConfig


class AllauthAccountConfig(AppConfig):
    """The configuration of ``allauth.account`` for INSTALLED_APPS.

    allauth's own one demands a middleware for its views. We mount none of its views, and the middleware would run for
    each call of the API.
    """

    name = "allauth.account"
    default_auto_field = "django.db.models.AutoField"
