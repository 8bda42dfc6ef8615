from django.apps import AppConfig


class ToolingConfig(AppConfig):
    """Give Django the commands that only development needs. The image does not contain this package."""

    name = "cedrina.tooling"
