"""Checks of the settings and of the declared event types, run by ``manage.py check``."""

from typing import Any

from django.core import checks
from django.core.checks import CheckMessage, Error, register

from cedrina_base import setting_checks
from security_events.catalogue import CATALOGUE, EventType
from security_events.conf import security_event_settings
from security_events.exporters.ocsf.schema import OCSF_1_8

_FIRST_OCSF_TYPE = 100100  # class 1001, activity 0
_HINT = "Give it the type_uid that it is exported as: ocsf_type_uid=OcsfType.… (class times 100, plus activity)."


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
    """Report event types that OCSF has no place for: a SIEM would get them as the class 0, Base Event."""
    unmapped = (each for each in CATALOGUE.values() if not _is_exported_as_declared(each))
    return [checks.Warning(_fault_of(each), hint=_HINT, id="security_events.W001") for each in unmapped]


def _is_exported_as_declared(event_type: EventType) -> bool:
    uid = event_type.ocsf_type_uid
    return uid is not None and uid >= _FIRST_OCSF_TYPE and OCSF_1_8.describes(uid)


def _fault_of(event_type: EventType) -> str:
    uid = event_type.ocsf_type_uid
    if uid is None or uid < _FIRST_OCSF_TYPE:
        return f"The event type {event_type} has no OCSF class and activity."
    if uid // 100 in OCSF_1_8.classes:
        return (
            f"The event type {event_type} has the ocsf_type_uid {uid}: class {uid // 100} has no activity {uid % 100}."
        )
    known = ", ".join(str(class_uid) for class_uid in OCSF_1_8.classes if class_uid)
    return f"The event type {event_type} has the OCSF class {uid // 100}, which is not exported; these are: {known}."
