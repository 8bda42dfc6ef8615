"""The tables of one version of OCSF: its classes with their activities, and the profiles that events use.

A further version is a further ``Schema``. OCSF 1.9 puts User Management (3007) in the place of Account Change and of
User Access: that is a row of ``classes`` and the moved types in ``replaced``. Its profile ``record_integrity`` is a row
of ``profiles``.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from security_events.exporters.ocsf import members
from security_events.exporters.ocsf.objects import Form, Members

OTHER = 99

_CATEGORIES = {
    0: "Uncategorized",
    1: "System Activity",
    2: "Findings",
    3: "Identity & Access Management",
    4: "Network Activity",
    6: "Application Activity",
}


class OcsfClass(NamedTuple):
    """A class: its caption, the captions of its activities, and the members that it adds to an event.

    ``unplaced`` names the members of the public form that the class has no place for. They go to ``unmapped``.
    """

    caption: str
    activities: Mapping[int, str]
    members: Callable[[Form], Members]
    unplaced: Sequence[str] = ()


class Schema(NamedTuple):
    """A version. ``replaced`` gives a newer ``type_uid`` for one that event types are declared with."""

    version: str
    classes: Mapping[int, OcsfClass]
    profiles: Mapping[str, Callable[[Form], Members]]
    replaced: Mapping[int, int] = {}

    def describes(self, type_uid: int) -> bool:
        """Return whether the tables have the class of a type and its activity."""
        found = self.classes.get(self.replaced.get(type_uid, type_uid) // 100)
        return found is not None and self.replaced.get(type_uid, type_uid) % 100 in {*found.activities, OTHER}


def category_of(class_uid: int) -> tuple[int, str]:
    """Return the id and the caption of the category of a class."""
    uid = class_uid // 1000
    return uid, _CATEGORIES[uid]


def _security_control(form: Form) -> Members:
    return {"risk_score": form["risk_score"]}


_TARGET = ("target_id", "target_name")
_PERSONS = ("actor_id", "actor_name", *_TARGET, "session_id")
_ALL = (*_PERSONS, "ip_address", "user_agent")
_FINDING = {1: "Create", 2: "Update", 3: "Close"}
_CLASSES: Mapping[int, OcsfClass] = {
    0: OcsfClass("Base Event", {}, members.of_base_event, _ALL),
    1008: OcsfClass(
        "Event Log Activity",
        {
            1: "Clear",
            2: "Delete",
            3: "Export",
            4: "Archive",
            5: "Rotate",
            6: "Start",
            7: "Stop",
            8: "Restart",
            9: "Enable",
            10: "Disable",
        },
        members.of_event_log_activity,
        (*_TARGET, "user_agent"),
    ),
    2003: OcsfClass("Compliance Finding", _FINDING, members.of_compliance_finding, (*_TARGET, "user_agent")),
    2004: OcsfClass("Detection Finding", _FINDING, members.of_detection_finding, (*_TARGET, "user_agent")),
    2005: OcsfClass("Incident Finding", _FINDING, members.of_incident_finding, _ALL),
    3001: OcsfClass(
        "Account Change",
        {
            1: "Create",
            2: "Enable",
            3: "Password Change",
            4: "Password Reset",
            5: "Disable",
            6: "Delete",
            7: "Attach Policy",
            8: "Detach Policy",
            9: "Lock",
            10: "MFA Factor Enable",
            11: "MFA Factor Disable",
            12: "Unlock",
        },
        members.of_account_change,
    ),
    3002: OcsfClass(
        "Authentication",
        {
            1: "Logon",
            2: "Logoff",
            3: "Authentication Ticket",
            4: "Service Ticket Request",
            5: "Service Ticket Renew",
            6: "Preauth",
            7: "Account Switch",
        },
        members.of_authentication,
    ),
    3003: OcsfClass("Authorize Session", {1: "Assign Privileges", 2: "Assign Groups"}, members.of_authorize_session),
    3004: OcsfClass(
        "Entity Management",
        {
            1: "Create",
            2: "Read",
            3: "Update",
            4: "Delete",
            5: "Move",
            6: "Enroll",
            7: "Unenroll",
            8: "Enable",
            9: "Disable",
            10: "Activate",
            11: "Deactivate",
            12: "Suspend",
            13: "Resume",
        },
        members.of_entity_management,
    ),
    3005: OcsfClass("User Access Management", {1: "Assign Privileges", 2: "Revoke Privileges"}, members.of_user_access),
    3006: OcsfClass(
        "Group Management",
        {
            1: "Assign Privileges",
            2: "Revoke Privileges",
            3: "Add User",
            4: "Remove User",
            5: "Delete",
            6: "Create",
            7: "Add Subgroup",
            8: "Remove Subgroup",
        },
        members.of_group_management,
    ),
    4002: OcsfClass(
        "HTTP Activity",
        {
            1: "Connect",
            2: "Delete",
            3: "Get",
            4: "Head",
            5: "Options",
            6: "Post",
            7: "Put",
            8: "Trace",
            9: "Patch",
        },
        members.of_http_activity,
        _PERSONS,
    ),
    6002: OcsfClass(
        "Application Lifecycle",
        {
            1: "Install",
            2: "Remove",
            3: "Start",
            4: "Stop",
            5: "Restart",
            6: "Enable",
            7: "Disable",
            8: "Update",
        },
        members.of_application_lifecycle,
        _ALL,
    ),
    6003: OcsfClass(
        "API Activity", {1: "Create", 2: "Read", 3: "Update", 4: "Delete"}, members.of_api_activity, _TARGET
    ),
}
OCSF_1_8 = Schema("1.8.0", _CLASSES, {"security_control": _security_control})
