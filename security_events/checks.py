"""Start-up checks."""

from typing import Any

from django.core.checks import CheckMessage, Error, register

from cedrina_base import setting_checks
from security_events.conf import security_event_settings


@register()
def check_settings(**_kwargs: Any) -> list[CheckMessage]:
    """Refuse unknown names and impossible values."""
    problems = setting_checks.unknown_names(security_event_settings, check_id="security_events.E001")
    if security_event_settings.PARTITIONS_AHEAD < 1:
        problems.append(Error("SECURITY_EVENTS['PARTITIONS_AHEAD'] must be at least 1.", id="security_events.E002"))
    return problems
