"""Checks of the settings and of the declared event types, run by ``manage.py check``."""

from collections.abc import Callable, Collection
from typing import Any

from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import DatabaseError, connection

from cedrina_base import setting_checks
from security_events import geoip
from security_events.catalogue import CATALOGUE, EventType
from security_events.conf import security_event_settings
from security_events.exporters.ocsf.schema import OCSF_1_8
from security_events.services.retention import terms
from security_events.services.retention.terms import SHORTEST_DAYS
from security_events.sinks.sink_urls import read_sinks
from security_events.sinks.url_options import SinkUrlFault

_FIRST_OCSF_TYPE = 100100  # class 1001, activity 0
_HINT = "Give it the type_uid that it is exported as: ocsf_type_uid=OcsfType.… (class times 100, plus activity)."


@register()
def check_settings(**_kwargs: Any) -> list[CheckMessage]:
    """Report unknown names and impossible values in ``SECURITY_EVENTS``."""
    problems = setting_checks.unknown_names(security_event_settings, check_id="security_events.E001")
    if security_event_settings.PARTITIONS_AHEAD < 1:
        problems.append(Error("SECURITY_EVENTS['PARTITIONS_AHEAD'] must be at least 1.", id="security_events.E002"))
    try:
        read_sinks(security_event_settings.SINKS)
    except SinkUrlFault as fault:
        problems.append(Error(f"SECURITY_EVENTS['SINKS']: {fault}.", id="security_events.E020"))
    return problems


@register()
def check_retention(**_kwargs: Any) -> list[CheckMessage]:
    """Report terms of retention that the database refuses."""
    wrong = [name for name, days in terms.configured_terms().items() if days is not None and days < SHORTEST_DAYS]
    return [
        Error(
            f"The terms of retention of {', '.join(sorted(wrong))} in SECURITY_EVENTS are shorter than a week.",
            hint=f"Give {SHORTEST_DAYS} days at least, or None to keep events for ever.",
            id="security_events.E004",
        )
        for _ in wrong[:1]
    ]


@register()
def check_places(**_kwargs: Any) -> list[CheckMessage]:
    """Report files of places that can't be read: a server starts without them, and rules that need places are off."""
    if not security_event_settings.GEOIP_PATHS:
        return []
    return [
        checks.Warning(
            f"SECURITY_EVENTS['GEOIP_PATHS']: {path} can't be read: {fault}. Its places are not known.",
            hint="Rename a file in the MaxMind DB format to that path. Servers see it without a restart.",
            id="security_events.W010",
        )
        for path, fault in geoip.unreadable_files()
    ]


@register()
def check_witnesses(**_kwargs: Any) -> list[CheckMessage]:
    """Report witnesses that can't be asked, before the first checkpoint is offered to them."""
    if not security_event_settings.AUDIT_WITNESSES:
        return []
    from security_events.services.trail.witnesses import fault_of_witnesses  # noqa: PLC0415 - with the verifier

    fault = fault_of_witnesses()
    if not fault:
        return []
    hint = 'Each one has the form {"key": "name+id+base64", "url": "https://…"}; `manage.py witness` prints its key.'
    return (
        [Error(f"SECURITY_EVENTS['AUDIT_WITNESSES']: {fault}", hint=hint, id="security_events.E005")] if fault else []
    )


@register(Tags.database)
def check_stored_terms(*, databases: Collection[str] | None = None, **_kwargs: Any) -> list[CheckMessage]:
    """Report terms of retention that were changed since the last ``migrate``: the shorter ones don't count yet."""
    if not databases or not _is_answered(
        lambda: terms.is_installed() and terms.stored_terms() != terms.configured_terms()
    ):
        return []
    return [
        checks.Warning(
            "The terms of retention were changed. Those that became shorter don't count yet.",
            hint="Run manage.py migrate: it stores them as the owner of the tables.",
            id="security_events.W002",
        )
    ]


@register(Tags.database)
def check_restored_trail(*, databases: Collection[str] | None = None, **_kwargs: Any) -> list[CheckMessage]:
    """Report a database that was restored in another cluster: new events are neither sealed nor exported."""
    from security_events.services.trail import restored_trail  # noqa: PLC0415 - with the verifier: not at each start

    if not databases or not _is_answered(lambda: restored_trail.is_installed() and restored_trail.was_restored()):
        return []
    return [
        checks.Warning(
            "The database was restored from a backup. New events are neither sealed nor exported before the trail is "
            "continued.",
            hint="Run manage.py migrate, or manage.py continue_audit_trail.",
            id="security_events.W003",
        )
    ]


def _is_answered(question: Callable[[], bool]) -> bool:
    """Ask the database; no, if it can't be asked: ``migrate`` runs the checks by a role that may have no rights yet."""
    try:
        return connection.vendor == "postgresql" and question()
    except DatabaseError:
        return False


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
