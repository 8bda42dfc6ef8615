from django.apps import AppConfig


class RateLimitingConfig(AppConfig):
    name = "ratelimiting"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from ratelimiting import checks  # noqa: F401, PLC0415 - registers them
