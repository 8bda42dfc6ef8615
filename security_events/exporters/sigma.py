"""Rules in Sigma 2.1 (https://github.com/SigmaHQ/sigma-specification), the language of other monitoring systems.

Fields are named as the members of ``security_events.detection.facts.Fact``; docs/siem.md says what they are called in
our formats. Text is English, whatever the language of the process.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid5

import yaml
from django.utils.translation import override

from security_events.detection.rules import Rule
from security_events.detection.sigma_forms import SigmaCount, SigmaForm, Value
from security_events.types import Severity

# The namespace of our rules' ids, a constant: an id stays the same whatever changes in the rule.
_NAMESPACE = UUID("3f0f4e0c-5a0b-5d55-9d7c-6a2c1d8f7b10")
_LEVELS = {
    Severity.INFO: "informational",
    Severity.LOW: "low",
    Severity.MEDIUM: "medium",
    Severity.HIGH: "high",
    Severity.CRITICAL: "critical",
}
_UNITS = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))


def sigma_yaml(rule: Rule, thresholds: Mapping[str, int]) -> str:
    """Return a rule as a file of Sigma: the conditions, and the correlation if the rule counts.

    Raises: ValueError, if Sigma has no words for the rule.
    """
    with override("en"):
        documents = _documents(rule, thresholds)
    return yaml.safe_dump_all(documents, sort_keys=False, allow_unicode=True, width=100)


def rule_id(rule: Rule, part: str = "") -> str:
    """Return the id of a rule in Sigma, or of a part of it: always the same."""
    return str(uuid5(_NAMESPACE, f"{rule.id} {part}".strip()))


def _documents(rule: Rule, thresholds: Mapping[str, int]) -> list[dict[str, Any]]:
    form = rule.sigma
    if form is None:
        raise ValueError(f"Sigma has no words for the rule {rule.id}.")
    conditions = [_condition(each, thresholds) for each in form.conditions]
    unless = _condition(form.unless, thresholds) if form.unless else None
    if form.count is SigmaCount.ONE:
        return [{**_head(rule, form), **_detection(conditions, unless), **_tail(rule)}]
    groups = [[each] for each in conditions] if form.count is SigmaCount.ORDERED else [conditions]
    names = [f"{rule.id}_events_{number}" for number in range(1, len(groups) + 1)]
    events = [
        {
            "title": f"Events of kind {number} that count: {rule.title}",
            "id": rule_id(rule, f"events {number}"),
            "name": name,
            "status": "test",
            "description": f"What the rule {rule.id} counts. Alone it is no reason for an alarm.",
            **_detection(group, unless),
            "level": "informational",
        }
        for number, (name, group) in enumerate(zip(names, groups, strict=True), 1)
    ]
    return [*events, {**_head(rule, form), "correlation": _correlation(rule, form, names, thresholds), **_tail(rule)}]


def _head(rule: Rule, form: SigmaForm) -> dict[str, Any]:
    difference = f" Cedrina's own rule finds less: this one knows nothing of {form.wider}." if form.wider else ""
    return {
        "title": str(rule.title),
        "id": rule_id(rule),
        "name": rule.id,
        "status": "test",
        "description": f"{rule.reason}{difference}",
        "references": [f"https://attack.mitre.org/techniques/{each.replace('.', '/')}/" for each in rule.techniques],
        "author": "Cedrina",
        "tags": [f"attack.{each.lower()}" for each in rule.techniques],
    }


def _tail(rule: Rule) -> dict[str, Any]:
    return {"falsepositives": [str(rule.false_alarms)], "level": _LEVELS[rule.severity]}


def _detection(conditions: list[dict[str, Any]], unless: dict[str, Any] | None) -> dict[str, Any]:
    names = [f"selection_{number}" for number in range(1, len(conditions) + 1)]
    condition = "1 of selection_*" if len(names) > 1 else names[0]
    return {
        "logsource": {"product": "cedrina", "service": "security_events"},
        "detection": {
            **dict(zip(names, conditions, strict=True)),
            **({"filter": unless} if unless else {}),
            "condition": f"{condition} and not filter" if unless else condition,
        },
    }


def _correlation(rule: Rule, form: SigmaForm, names: list[str], thresholds: Mapping[str, int]) -> dict[str, Any]:
    seconds = thresholds[form.seconds] if isinstance(form.seconds, str) else form.seconds or rule.window
    counted: dict[str, Any] = {}
    if form.count is not SigmaCount.ORDERED:
        counted = {"condition": {"gte": thresholds[form.threshold], **({"field": form.field} if form.field else {})}}
    return {
        "type": str(form.count),
        "rules": names,
        "group-by": [str(rule.group_by)],
        "timespan": _timespan(seconds),
        **counted,
    }


def _condition(condition: Mapping[str, Value], thresholds: Mapping[str, int]) -> dict[str, Any]:
    """Return a condition in which ``{name}`` is the value of the threshold."""
    return {name: _value(value, thresholds) for name, value in condition.items()}


def _value(value: Value, thresholds: Mapping[str, int]) -> str | int | list[str]:
    if isinstance(value, tuple):
        return list(value)
    return thresholds[value[1:-1]] if isinstance(value, str) and value.startswith("{") else value


def _timespan(seconds: int) -> str:
    unit, letter = next((unit, letter) for unit, letter in _UNITS if seconds % unit == 0)
    return f"{seconds // unit}{letter}"
