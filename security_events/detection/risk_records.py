"""The evidence of a risk as events store it: short, and of whole numbers only.

``levels`` has five numbers a level, in the order of ``LevelEvidence``; ``hour`` and ``travel`` have two each::

    {"levels": {"country": [12000, 12000, 340, 1000, 12], …}, "hour": [12000, 3100], "travel": [0, 0],
     "circumstances": [0, 12, 0, 0]}
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from security_events.detection.circumstances import Circumstances, TravelEvidence
from security_events.detection.client_levels import FEATURES
from security_events.detection.risk import Evidence, HourEvidence, LevelEvidence, assess

FEATURE_OF: Mapping[str, str] = {level: feature for feature, levels in FEATURES.items() for level, _value in levels}
REASONS = (*FEATURE_OF, "hour", "travel", "recent_attack", "reputation")
"""All reasons that a sign-in's event can name."""


def record_of(evidence: Evidence) -> dict[str, Any]:
    """Return the record of evidence."""
    found = evidence.circumstances
    return {
        "levels": {
            each.level: [each.own, each.own_above, each.common, each.common_above, each.distinct]
            for each in evidence.levels
        },
        "hour": [evidence.hour.own, evidence.hour.density],
        "travel": [evidence.travel.kilometres, evidence.travel.kilometres_per_hour],
        "circumstances": [
            int(found.is_known_device),
            found.familiar,
            found.account_attacks,
            found.network_attacks,
        ],
    }


def evidence_from(record: Mapping[str, Any]) -> Evidence:
    """Return the evidence of a record.

    Raises: KeyError, TypeError or ValueError, if it is not one of ``record_of``.
    """
    known, *counts = record["circumstances"]
    return Evidence(
        # In their own order: the database keeps none of the members of an object.
        levels=tuple(
            LevelEvidence(feature, level, *record["levels"][level])
            for level, feature in FEATURE_OF.items()
            if level in record["levels"]
        ),
        hour=HourEvidence(*record["hour"]),
        travel=TravelEvidence(*record["travel"]),
        circumstances=Circumstances(bool(known), *counts),
    )


def reasons_of(evidence: Evidence) -> list[dict[str, Any]]:
    """Return the reasons of a risk as incidents show them, the strongest first; weights are tenths of a logarithm."""
    return [
        {"factor": factor, "weight": weight, "evidence": numbers_of(evidence, factor)}
        for factor, weight in assess(evidence).reasons.items()
    ]


def numbers_of(evidence: Evidence, factor: str) -> dict[str, int]:
    """Return what a level or another feature is computed from. Sign-ins of the person are in thousandths."""
    for level in evidence.levels:
        if level.level == factor:
            return {name: value for name, value in asdict(level).items() if name not in ("feature", "level")}
    found = {
        "hour": asdict(evidence.hour),
        "travel": asdict(evidence.travel),
        "device": {"known": int(evidence.circumstances.is_known_device)},
        "recent_attack": {"incidents": evidence.circumstances.account_attacks},
        "reputation": {"incidents": evidence.circumstances.network_attacks},
    }
    return found.get(factor, {})
