"""The Django app ``cedrina_base``: it has no models and is installed for its templates and checks."""

from django.apps import AppConfig


class CedrinaBaseConfig(AppConfig):
    """Let Django find the templates of this package, and run its checks."""

    name = "cedrina_base"

    def ready(self) -> None:
        from cedrina_base import checks
