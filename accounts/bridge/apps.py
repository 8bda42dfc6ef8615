"""allauth's apps, as far as they are used: their models and providers, none of their views."""

from django.apps import AppConfig


class AllauthAccountConfig(AppConfig):
    """Stands in INSTALLED_APPS for ``allauth.account``.

    Its own configuration demands a middleware that serves its views. There are none here, and the middleware would run
    for every call of the API.
    """

    name = "allauth.account"
    default_auto_field = "django.db.models.AutoField"
