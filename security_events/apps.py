from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _


class SecurityEventsConfig(AppConfig):
    name = "security_events"
    verbose_name = _("Security events")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from security_events import checks

        autodiscover_modules("event_types")
        post_migrate.connect(_make_partitions, sender=self)
        post_migrate.connect(_continue_after_restore, sender=self)
        post_migrate.connect(_store_terms, sender=self)


def _make_partitions(**_kwargs: Any) -> None:
    from django.utils import timezone

    from security_events.services import partitions

    if partitions.is_installed():
        partitions.ensure(now=timezone.now())


def _continue_after_restore(**_kwargs: Any) -> None:
    from django.utils import timezone

    from security_events.services.trail import restored_trail

    if restored_trail.is_installed():
        restored_trail.continue_after_restore(now=timezone.now())


def _store_terms(**_kwargs: Any) -> None:
    from security_events.services.retention import terms

    if terms.is_installed():
        terms.store_terms()
