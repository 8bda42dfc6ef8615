"""Shapes of detection rules going in and out."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from cedrina_base.strict_serializers import (
    ReasonField,
    StrictChoiceField,
    StrictIntegerField,
    StrictSerializer,
)
from security_events.detection.rules import Rule
from security_events.models import RuleVersion
from security_events.selectors.detection.rule_figures import SHADOW_DAYS, VERDICT_DAYS, RuleFigures
from security_events.services.detection.rule_settings import LARGEST_THRESHOLD, RuleSettings
from security_events.types import ResponseKind, RuleMode, Severity, Verdict

_MOST_DIGITS = 18
_BAD_CURSOR = _("The cursor is not one of ours.")


class RuleChangeInput(StrictSerializer):
    """What is changed of a rule, and why; what is left out stays."""

    mode = StrictChoiceField(choices=list(RuleMode), required=False)
    thresholds = serializers.DictField(
        child=StrictIntegerField(min_value=1, max_value=LARGEST_THRESHOLD),
        required=False,
        help_text="Some of the rule's thresholds by name; the others stay.",
    )
    reason = ReasonField()


class RuleVersionPageInput(StrictSerializer):
    """Which part of a rule's history is wanted. The cursor is what the page before gave as ``next``."""

    limit = serializers.IntegerField(min_value=1, max_value=200, default=50)
    cursor = serializers.CharField(required=False)

    def validate_cursor(self, value: str) -> int:
        if not (value.isascii() and value.isdigit() and len(value) <= _MOST_DIGITS):
            raise serializers.ValidationError(_BAD_CURSOR, code="invalid")
        return int(value)


class ShadowDayOutput(serializers.Serializer[object]):
    """What a rule in shadow mode found on a day."""

    day = serializers.DateField()
    findings = serializers.IntegerField()


class ShadowOutput(serializers.Serializer[object]):
    """What enforcing the rule would have found."""

    findings = serializers.IntegerField(help_text=f"Of the last {SHADOW_DAYS} days.")
    days = ShadowDayOutput(many=True)


class VerdictsOutput(serializers.Serializer[object]):
    """What operators said about the rule's incidents."""

    true_positive = serializers.IntegerField()
    false_positive = serializers.IntegerField()
    benign = serializers.IntegerField()


class DetectionRuleOutput(serializers.Serializer[object]):
    """A rule, what is in force of it, and how well it does."""

    id = serializers.CharField()
    title = serializers.CharField()
    reason = serializers.CharField(help_text="Why it matters.")
    false_alarms = serializers.CharField(help_text="Which honest behaviour looks alike.")
    severity = serializers.ChoiceField(choices=list(Severity))
    score = serializers.IntegerField()
    window = serializers.IntegerField(help_text="Seconds.")
    responses = serializers.ListField(child=serializers.ChoiceField(choices=list(ResponseKind)))
    mode = serializers.ChoiceField(choices=list(RuleMode))
    default_mode = serializers.ChoiceField(choices=list(RuleMode))
    thresholds = serializers.DictField(child=serializers.IntegerField())
    default_thresholds = serializers.DictField(child=serializers.IntegerField())
    version = serializers.IntegerField(help_text="The number of the newest change, 0 for the rule's own values.")
    shadow = ShadowOutput()
    unresolved = serializers.IntegerField(help_text="Incidents that are open or acknowledged.")
    verdicts = VerdictsOutput(help_text=f"Of incidents that were resolved in the last {VERDICT_DAYS} days.")
    verdict_days = serializers.IntegerField()
    precision = serializers.FloatField(
        allow_null=True,
        help_text="`true_positive / (true_positive + false_positive)` of `verdicts`; `null` without any.",
    )


class DetectionRuleListOutput(serializers.Serializer[object]):
    """All rules."""

    results = DetectionRuleOutput(many=True)
    next = serializers.CharField(allow_null=True, help_text="Always `null`: there is one page.")


class RuleVersionOutput(serializers.Serializer[object]):
    """A change of a rule."""

    version = serializers.IntegerField()
    mode = serializers.ChoiceField(choices=list(RuleMode))
    thresholds = serializers.DictField(child=serializers.IntegerField())
    reason = serializers.CharField()
    author_id = serializers.CharField(allow_null=True)
    author_name = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()


class RuleVersionListOutput(serializers.Serializer[object]):
    """A page of a rule's history, the newest change first."""

    results = RuleVersionOutput(many=True)
    next = serializers.CharField(allow_null=True)


def rule_body(rule: Rule, settings: RuleSettings, figures: RuleFigures) -> dict[str, Any]:
    """Return a rule in its public form, in the language of the request."""
    return {
        "id": rule.id,
        "title": str(rule.title),
        "reason": str(rule.reason),
        "false_alarms": str(rule.false_alarms),
        "severity": str(rule.severity),
        "score": rule.score,
        "window": rule.window,
        "responses": [str(kind) for kind in rule.responses],
        "mode": str(settings.mode),
        "default_mode": str(rule.mode),
        "thresholds": dict(settings.thresholds),
        "default_thresholds": dict(rule.thresholds),
        "version": settings.version,
        "shadow": {
            "findings": figures.shadow_findings,
            "days": [{"day": day.isoformat(), "findings": findings} for day, findings in figures.shadow],
        },
        "unresolved": figures.unresolved,
        "verdicts": _verdicts(figures.verdicts),
        "verdict_days": VERDICT_DAYS,
        "precision": figures.precision,
    }


def version_body(row: RuleVersion) -> dict[str, Any]:
    """Return a change of a rule in its public form."""
    return {
        "version": row.number,
        "mode": row.mode,
        "thresholds": row.thresholds,
        "reason": row.reason,
        "author_id": row.author_id or None,
        "author_name": row.author_name or None,
        "created_at": _time(row.created_at),
    }


def _verdicts(counts: Mapping[str, int]) -> dict[str, int]:
    return {str(verdict): counts.get(verdict, 0) for verdict in Verdict}


def _time(moment: datetime) -> str:
    text: str = serializers.DateTimeField().to_representation(moment)
    return text
