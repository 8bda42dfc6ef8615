from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class RateLimitingConfig(AppConfig):
    name = "ratelimiting"
    verbose_name = _("Rate limiting")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from ratelimiting import checks
