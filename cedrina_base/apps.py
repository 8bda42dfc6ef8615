"""The Django app ``cedrina_base``: it has no models and is installed for its templates."""

from django.apps import AppConfig


class CedrinaBaseConfig(AppConfig):
    """Let Django find the templates of this package."""

    name = "cedrina_base"
