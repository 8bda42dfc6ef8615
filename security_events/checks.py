"""Checks of the settings and of the declared event types, run by ``manage.py check``."""

from typing import Any

from django.core import checks
from django.core.checks import CheckMessage, Error, register

from cedrina_base import setting_checks
from security_events.catalogue import CATALOGUE
from security_events.conf import security_event_settings

_FIRST_OCSF_TYPE = 100100  # class 1001, activity 0


@register()
def check_settings(**_kwargs: Any) -> list[CheckMessage]:
    """Report unknown names and impossible values in ``SECURITY_EVENTS``."""
    problems = setting_checks.unknown_names(security_event_settings, check_id="security_events.E001")
    if security_event_settings.PARTITIONS_AHEAD < 1:
        problems.append(Error("SECURITY_EVENTS['PARTITIONS_AHEAD'] must be at least 1.", id="security_events.E002"))
    return problems


@register()
def check_database(**_kwargs: Any) -> list[CheckMessage]:
    """Report a database other than PostgreSQL: partitions, triggers and functions are its own."""
    return setting_checks.other_database("security_events", check_id="security_events.E003")


@register()
def check_event_types(**_kwargs: Any) -> list[CheckMessage]:
    """Report event types without an OCSF mapping: they can't be exported to a SIEM."""
    return [
        checks.Warning(
            f"The event type {event_type} has no OCSF class and activity.",
            hint="Give it the type_uid that it is exported as: ocsf_type_uid=OcsfType.…",
            id="security_events.W001",
        )
        for event_type in CATALOGUE.values()
        if event_type.ocsf_type_uid is None or event_type.ocsf_type_uid < _FIRST_OCSF_TYPE
    ]
