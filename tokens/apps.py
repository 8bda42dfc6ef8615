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
        from tokens import checks, receivers
        from tokens.service_clients import scopes
        from tokens.shared_signals import session_events

        post_migrate.connect(_make_first_key, sender=self)


def _make_first_key(*, apps: Any, **_kwargs: Any) -> None:
    """Make the first key, unless migrations went back to a table that this code doesn't know."""
    from django.utils import timezone

    from tokens.models import SigningKey
    from tokens.services import keys

    migrated = apps.get_model("tokens", "SigningKey")
    if {field.name for field in migrated._meta.get_fields()} >= {field.name for field in SigningKey._meta.get_fields()}:
        keys.ensure_first(now=timezone.now())
