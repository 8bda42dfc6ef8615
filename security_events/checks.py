"""Start-up checks."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from security_events.conf import SecurityEventSettings, security_event_settings


@register()
def check_settings(**_kwargs: Any) -> list[CheckMessage]:
    """Refuse unknown names and impossible values."""
    problems: list[CheckMessage] = [
        Error(f"SECURITY_EVENTS has no setting {name!r}.", id="security_events.E001")
        for name in getattr(settings, "SECURITY_EVENTS", {})
        if name not in SecurityEventSettings.NAMES
    ]
    if security_event_settings.PARTITIONS_AHEAD < 1:
        problems.append(Error("SECURITY_EVENTS['PARTITIONS_AHEAD'] must be at least 1.", id="security_events.E002"))
    return problems
