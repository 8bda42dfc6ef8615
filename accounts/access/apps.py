from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _


class AccessConfig(AppConfig):
    name = "accounts.access"
    label = "access"
    verbose_name = _("Access control")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Each app declares its permissions in a module of this name.
        autodiscover_modules("permission_types")
        post_migrate.connect(_ship_policy, sender=self)


def _ship_policy(**_kwargs: Any) -> None:
    from django.utils import timezone

    from accounts.access.services import shipped_policy

    if shipped_policy.is_installed():
        shipped_policy.ship(now=timezone.now())
