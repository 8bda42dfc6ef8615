"""Rules and roles as documents: what calls, files and versions contain. One reader for all of them."""

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from accounts.access.deciding.conditions import build_check
from accounts.access.deciding.hours import WEEKDAYS, parse_hours
from accounts.access.deciding.paths import MAX_LENGTH, is_control, pattern_segments
from accounts.access.deciding.rules import Effect, Rule
from accounts.access.errors import RolesInvalid, RuleInvalid

# The members of a rule with what they are when they are left out; the first four are required.
REQUIRED = ("subject", "object", "action", "effect")
DEFAULTS: Mapping[str, Any] = {
    "department": "",
    "location": "",
    "hours": None,
    "conditions": [],
    "valid_from": None,
    "valid_until": None,
    "note": "",
}
MEMBERS = (*REQUIRED, *DEFAULTS)
MOST_CONDITIONS = 10
MOST_PARENTS = 50
LARGEST_NUMBER = 2**53  # all programs read integers up to it alike (RFC 8259, 6)
MOST_ARGUMENTS = 4000  # characters of all conditions of a rule, written as JSON
LONGEST = {
    "subject": 150,
    "object": MAX_LENGTH,
    "action": 100,
    "department": 100,
    "location": 100,
    "note": 500,
    "description": 200,
}
_SUBJECT = re.compile(r"(?:user|client):[A-Za-z0-9_.@:-]{1,140}|role:[a-z][a-z0-9_-]{0,49}")
_ACTION = re.compile(r"\*|[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}")
LONGEST_ROLE = 50
_ROLE = re.compile(r"[a-z][a-z0-9_-]{0,49}")
_ROLE_MEMBERS = ("description", "parents", "separation_of_duty")

Document = Mapping[str, Any]


def parse_rule(given: Document) -> dict[str, Any]:
    """Return all members of a rule, normalised: times in UTC as RFC 3339, left-out members with their defaults.

    Raises: RuleInvalid, for the first member that is wrong.
    """
    _require_members(given)
    found: dict[str, Any] = {**DEFAULTS, **given}
    for name in (*REQUIRED, "department", "location", "note"):
        found[name] = _text(name, found[name])
    if not is_subject(found["subject"]):
        raise RuleInvalid("subject", _("A subject is user:<id>, client:<id> or role:<name>."))
    pattern_segments(found["object"])
    if not _ACTION.fullmatch(found["action"]):
        raise RuleInvalid("action", _("An action is a word such as read, or * for all."))
    if found["effect"] not in list(Effect):
        raise RuleInvalid("effect", _("The effect is allow or deny."))
    if found["hours"] is not None:
        found["hours"] = _hours(found["hours"])
    found["conditions"] = _conditions(found["conditions"])
    found["valid_from"], found["valid_until"] = _instant("valid_from", found), _instant("valid_until", found)
    if found["valid_from"] and found["valid_until"] and found["valid_from"] >= found["valid_until"]:
        raise RuleInvalid("valid_until", _("valid_until is later than valid_from."))
    return {name: found[name] for name in MEMBERS}


def require_members(given: Document) -> None:
    """Require that each given member can be one of a rule, whatever the others are.

    Raises: RuleInvalid, for the first member that is wrong.
    """
    parse_rule({"subject": "user:1", "object": "any", "action": "any", "effect": Effect.ALLOW, **given})


def to_rule(rule_id: str, document: Document) -> Rule:
    """Return a rule, given what ``parse_rule`` returned.

    Raises: RuleInvalid.
    """
    hours = document["hours"]
    since, until = document["valid_from"], document["valid_until"]
    return Rule(
        id=rule_id,
        subject=document["subject"],
        object=document["object"],
        action=document["action"],
        effect=Effect(document["effect"]),
        department=document["department"],
        location=document["location"],
        hours=parse_hours(hours) if hours is not None else None,
        conditions=tuple(document["conditions"]),
        valid_from=datetime.fromisoformat(since) if since else None,
        valid_until=datetime.fromisoformat(until) if until else None,
    )


def digest(document: Document) -> bytes:
    """Return the SHA-256 of a rule without its note. Two rules with the same digest say the same."""
    said = {name: document[name] for name in MEMBERS if name != "note"}
    said["object"] = said["object"].removeprefix("/")
    return hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":")).encode()).digest()


def parse_role(name: str, given: Document) -> dict[str, Any]:
    """Return the members of a role, with those that are left out. Whether its parents exist is not looked at.

    Raises: RuleInvalid (of the member that is wrong), RolesInvalid (of a name that can't be one).
    """
    for member in given:
        if member not in _ROLE_MEMBERS:
            raise RuleInvalid(str(member)[:100], _("Roles have no such member."), code="unknown_field")
    found: dict[str, Any] = {"description": _text("description", given.get("description", ""))}
    for member in ("parents", "separation_of_duty"):
        names = given.get(member, [])
        if not isinstance(names, list) or len(names) > MOST_PARENTS:
            raise RuleInvalid(member, _("This is a list of at most %d names of roles.") % MOST_PARENTS)
        if not all(isinstance(each, str) and is_role_name(each) and each != name for each in names):
            raise RuleInvalid(member, _("This is a list of names of other roles."))
        found[member] = sorted(set(names))
    if not is_role_name(name):
        sentence = _("A role's name has small letters, digits, - and _, and begins with a letter.")
        raise RolesInvalid(name, sentence, member="name")
    return found


def is_subject(text: str) -> bool:
    """Return whether a text can be the subject of a rule."""
    return _SUBJECT.fullmatch(text) is not None


def is_role_name(text: str) -> bool:
    """Return whether a text can be the name of a stored role."""
    return _ROLE.fullmatch(text) is not None


def _require_members(given: Document) -> None:
    for name in given:
        if name not in MEMBERS:
            raise RuleInvalid(str(name)[:100], _("Rules have no such member."), code="unknown_field")
    for name in REQUIRED:
        if name not in given:
            raise RuleInvalid(name, _("This member is required."), code="required")


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise RuleInvalid(name, _("This member is a text."))
    longest = LONGEST.get(name)
    if longest is not None and len(value) > longest:
        raise RuleInvalid(name, _("This has at most %d characters.") % longest, code="max_length")
    if any(map(is_control, value)):
        raise RuleInvalid(name, _("This is text on one line, without control characters."))
    return value


def _hours(given: Any) -> dict[str, Any]:
    """Return hours with their weekdays in the order of a week, each once."""
    _require_mapping("hours", given)
    hours = parse_hours(given)
    weekdays = [WEEKDAYS[number] for number in sorted(hours.weekdays)]
    return {"weekdays": weekdays, "from": given["from"], "until": given["until"], "time_zone": given["time_zone"]}


def _conditions(given: Any) -> list[dict[str, Any]]:
    if not isinstance(given, list) or len(given) > MOST_CONDITIONS:
        raise RuleInvalid("conditions", _("Conditions are a list of at most %d.") % MOST_CONDITIONS)
    found = []
    for condition in given:
        _require_mapping("conditions", condition)
        build_check(condition)
        arguments = {name: _plain(value) for name, value in condition.get("arguments", {}).items()}
        found.append({"name": condition["name"], "arguments": arguments})
    _require_short(found)
    return found


def _plain(value: Any) -> Any:
    """Return the value of an argument as the database gives it back: 1.0 as 1."""
    if isinstance(value, int | float) and not -LARGEST_NUMBER <= value <= LARGEST_NUMBER:  # also for what is no number
        raise RuleInvalid("conditions", _("Numbers are between -9007199254740992 and 9007199254740992."))
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _require_short(conditions: list[dict[str, Any]]) -> None:
    """Require that conditions can be stored as JSON and are not large: each process has them all in memory."""
    try:
        # Numbers that are infinite or have thousands of digits are a ValueError.
        text = json.dumps(conditions, allow_nan=False, ensure_ascii=False)
    except (ValueError, TypeError) as error:
        raise RuleInvalid("conditions", _("Arguments are texts, numbers, true, false and lists of them.")) from error
    if len(text) > MOST_ARGUMENTS:
        sentence = _("All conditions together have at most %d characters.") % MOST_ARGUMENTS
        raise RuleInvalid("conditions", sentence, code="max_length")
    # JSON escapes other control characters, but PostgreSQL stores neither NUL nor halves of surrogate pairs.
    if "\\u0000" in text or (not text.isprintable() and any(map(is_control, text))):
        raise RuleInvalid("conditions", _("This is text on one line, without control characters."))


def _require_mapping(member: str, value: Any) -> None:
    if not isinstance(value, Mapping):
        raise RuleInvalid(member, _("This is an object with members."))


def _instant(name: str, document: Document) -> str | None:
    value = document[name]
    if value is None:
        return None
    try:
        instant = value if isinstance(value, datetime) else parse_datetime(value) if isinstance(value, str) else None
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise RuleInvalid(name, _("This is a time such as 2026-01-31T17:00:00Z."))
    try:
        return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")
    except OverflowError as error:
        raise RuleInvalid(name, _("This is a time such as 2026-01-31T17:00:00Z.")) from error
