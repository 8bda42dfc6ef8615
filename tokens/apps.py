"""The app's configuration."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class TokensConfig(AppConfig):
    name = "tokens"
    verbose_name = _("Tokens and sessions")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from tokens import checks
        from tokens.service_clients import scopes
        from tokens.shared_signals import session_events

        post_migrate.connect(_make_first_key, sender=self)


def _make_first_key(**_kwargs: Any) -> None:
    from django.utils import timezone

    from tokens.services import keys

    keys.ensure_first(now=timezone.now())
