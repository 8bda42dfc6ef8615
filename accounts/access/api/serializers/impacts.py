"""What the impact of a draft looks like, and the figures of its evaluation beside the policy in force."""

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from rest_framework import serializers

from accounts.access.api.serializers.fields import instant
from accounts.access.impact.differences import Difference
from accounts.access.models import ShadowRun
from accounts.access.services.impact.drafts import Impact
from accounts.access.services.impact.history import ChangedDecision
from accounts.access.services.impact.proof import name_of
from accounts.access.services.records import evaluated

ANSWERS = {True: "allow", False: "deny"}


class ExampleOutput(serializers.Serializer[Any]):
    """One request that is decided otherwise. `subject` is somebody, or the roles that somebody has."""

    subject = serializers.CharField()
    object = serializers.CharField()
    action = serializers.CharField()
    attributes = serializers.DictField()
    at = serializers.DateTimeField()
    before = serializers.ChoiceField(choices=list(ANSWERS.values()))
    after = serializers.ChoiceField(choices=list(ANSWERS.values()))
    rule_before = serializers.CharField(allow_null=True)
    rule_after = serializers.CharField(allow_null=True)


class HistoryOutput(serializers.Serializer[Any]):
    """Recorded decisions evaluated again: how many, and how many the draft decides otherwise."""

    evaluated = serializers.IntegerField()
    changed = serializers.IntegerField()
    undecided = serializers.IntegerField(help_text="The draft asks for attributes that were not recorded.")
    is_complete = serializers.BooleanField(help_text="False if only the newest records were evaluated.")
    recorded_since = serializers.DateTimeField(allow_null=True)
    examples = ExampleOutput(many=True)


class ImpactOutput(serializers.Serializer[Any]):
    """How many kinds of requests are allowed only afterwards (gains), and only before (losses)."""

    gains = serializers.IntegerField()
    losses = serializers.IntegerField()
    is_exact = serializers.BooleanField(help_text="False if there are at least so many.")
    examples = ExampleOutput(many=True)
    history = HistoryOutput()


class ShadowOutput(serializers.Serializer[Any]):
    """What all processes found together since the evaluation of the draft began."""

    is_on = serializers.BooleanField()
    started_at = serializers.DateTimeField(allow_null=True)
    ends_at = serializers.DateTimeField(allow_null=True)
    evaluated = serializers.IntegerField()
    differences = serializers.IntegerField()
    skipped = serializers.IntegerField(help_text="Decisions that were not compared, to save time.")
    examples = ExampleOutput(many=True)


def impact_body(impact: Impact) -> dict[str, Any]:
    """Return an impact as responses show it."""
    proof, history = impact.proof, impact.history
    return {
        "gains": proof.gains,
        "losses": proof.losses,
        "is_exact": proof.is_exact,
        "examples": [_of_proof(each) for each in proof.examples],
        "history": {
            "evaluated": history.evaluated,
            "changed": history.changed,
            "undecided": history.undecided,
            "is_complete": history.is_complete,
            "recorded_since": instant(history.recorded_since) if history.recorded_since else None,
            "examples": [_of_history(each) for each in history.examples],
        },
    }


def shadow_body(run: ShadowRun | None, *, is_on: bool) -> dict[str, Any]:
    """Return the figures of a draft as responses show them."""
    if run is None:
        zero = {"evaluated": 0, "differences": 0, "skipped": 0, "examples": []}
        return {"is_on": is_on, "started_at": None, "ends_at": None, **zero}
    return {
        "is_on": is_on,
        "started_at": instant(run.started_at),
        "ends_at": instant(run.ends_at),
        "evaluated": run.evaluated,
        "differences": run.differences,
        "skipped": run.skipped,
        "examples": [_of_shadow(each) for each in run.examples],
    }


def _of_proof(found: Difference) -> dict[str, Any]:
    return {
        "subject": name_of(found.profile),
        "object": found.object,
        "action": found.action,
        "attributes": _shown(found.attributes),
        "at": instant(found.at),
        "before": ANSWERS[found.before.is_allowed],
        "after": ANSWERS[found.after.is_allowed],
        "rule_before": found.before.rule,
        "rule_after": found.after.rule,
    }


def _of_history(found: ChangedDecision) -> dict[str, Any]:
    record = found.record
    return {
        "subject": record.subject,
        "object": record.object,
        "action": record.action,
        "attributes": _shown(found.attributes),
        "at": instant(record.at),
        "before": ANSWERS[found.before.is_allowed],
        "after": ANSWERS[found.after.is_allowed],
        "rule_before": found.before.rule,
        "rule_after": found.after.rule,
    }


def _of_shadow(found: Mapping[str, Any]) -> dict[str, Any]:
    attributes = evaluated.from_text(found["evaluated"])[1] if found["evaluated"] else {}
    return {
        **{name: found[name] for name in ("subject", "object", "action", "rule_before", "rule_after")},
        "attributes": _shown(attributes),
        "at": instant(datetime.fromisoformat(found["at"])),
        "before": ANSWERS[found["before"]],
        "after": ANSWERS[found["after"]],
    }


def _shown(value: Any) -> Any:
    """Return a value as JSON can show it: attributes come from projects, and may hold NaN or halves of characters."""
    if isinstance(value, Mapping):
        return {str(_shown(str(name))): _shown(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_shown(each) for each in value]
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
