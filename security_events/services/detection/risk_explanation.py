"""Explain the risk of a sign-in in words, by what its event holds, and compute it again from that."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy as _

from security_events.detection import risk, risk_records
from security_events.detection.risk import Evidence
from security_events.types import RiskChoice, RuleMode

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

_TENTHS, _THOUSAND = 10, 1000
FEATURE_NAMES: Mapping[str, "StrOrPromise"] = {
    "country": _("country"),
    "provider": _("provider"),
    "city": _("city"),
    "network": _("network"),
    "address": _("address"),
    "device_type": _("kind of device"),
    "system": _("operating system"),
    "browser": _("browser"),
    "user_agent": _("version of the program"),
    "hour": _("hour"),
    "travel": _("journey"),
    "device": _("known device"),
    "recent_attack": _("attack on the account"),
    "reputation": _("attack from the network"),
}
_LEVEL = _(
    "The same in %(own)s of %(own_above)s alike sign-ins of the account, and in %(common)d of %(common_above)d of all "
    "accounts, among %(distinct)d different values."
)
_HOUR = _("Sign-ins of the account: %(own)s. Near this time of the day: %(density)s an hour.")
_TRAVEL = _("%(kilometres)d km from the sign-in before, at %(kilometres_per_hour)d km/h.")
_NO_TRAVEL = _("There is no journey, or a place is not known.")
_KNOWN_DEVICE = _("The device has shown that the account signed in with it before.")
_UNKNOWN_DEVICE = _("The device has not shown that the account signed in with it before.")
_ATTACKS = _("Incidents of the last three hours: %(incidents)d. They count for strangers only.")
_CHOICES: Mapping[RiskChoice, "StrOrPromise"] = {
    RiskChoice.ALLOW: _("The risk of %(score)d reaches no threshold."),
    RiskChoice.NOTIFY: _("The risk of %(score)d reaches the threshold of %(threshold)d: the person is told."),
    RiskChoice.STEP_UP: _(
        "The risk of %(score)d reaches the threshold of %(threshold)d: sensitive calls of the session take a proof."
    ),
    RiskChoice.REFUSE: _("The risk of %(score)d reaches the threshold of %(threshold)d: the sign-in is refused."),
}
_MODES: Mapping[RuleMode, "StrOrPromise"] = {
    RuleMode.OFF: _("The rule was off: nothing was done."),
    RuleMode.SHADOW: _("The rule was in shadow mode: nothing was done."),
    RuleMode.ENFORCE: "",
}


@dataclass(frozen=True, slots=True)
class ExplainedFeature:
    """A feature, its weight in tenths of a logarithm (positive raises the risk), and the numbers that it comes from."""

    factor: str
    name: str
    weight: int
    evidence: Mapping[str, int]
    explanation: str


@dataclass(frozen=True, slots=True)
class ExplainedRisk:
    """The risk that an event has, the one that its evidence gives, and what was chosen by which thresholds.

    ``threshold`` is the one that was reached, ``None`` if none was. The features come with the strongest first.
    """

    score: int
    recomputed: int
    choice: str
    mode: str
    threshold: int | None
    thresholds: Mapping[str, int]
    rule_version: int
    explanation: str
    features: tuple[ExplainedFeature, ...]


def explain(form: Mapping[str, Any]) -> ExplainedRisk | None:
    """Return the explanation of an event in its public form, in the current language; ``None`` if it has no risk."""
    record = form["data"].get("risk")
    if not isinstance(record, Mapping):
        return None
    try:
        evidence = risk_records.evidence_from(record["evidence"])
        choice, mode = RiskChoice(record["choice"]), RuleMode(record["mode"])
        thresholds, version = dict(record["thresholds"]), record["rule_version"]
    except (KeyError, TypeError, ValueError):  # of another version, or of a project's own event
        return None
    found = risk.weights(evidence)
    strongest = sorted(found, key=lambda factor: (-abs(found[factor]), factor))
    threshold = thresholds.get(choice)
    sentences = _CHOICES[choice] % {"score": form["risk_score"], "threshold": threshold or 0}, _MODES[mode]
    return ExplainedRisk(
        score=form["risk_score"],
        recomputed=risk.assess(evidence).score,
        choice=str(choice),
        mode=str(mode),
        threshold=threshold,
        thresholds=thresholds,
        rule_version=version,
        explanation=" ".join(str(sentence) for sentence in sentences if sentence),
        features=tuple(_explained(factor, found[factor], evidence) for factor in strongest),
    )


def body_of(explained: ExplainedRisk) -> dict[str, Any]:
    """Return an explanation as an object of JSON."""
    return {**asdict(explained), "features": [asdict(feature) for feature in explained.features]}


def _explained(factor: str, weight: int, evidence: Evidence) -> ExplainedFeature:
    numbers = risk_records.numbers_of(evidence, factor)
    return ExplainedFeature(
        factor=factor,
        name=str(FEATURE_NAMES[factor]),
        weight=weight,
        evidence=numbers,
        explanation=str(_sentence(factor, numbers)),
    )


def _sentence(factor: str, numbers: Mapping[str, int]) -> "StrOrPromise":
    if factor in risk_records.FEATURE_OF:
        return _LEVEL % {**numbers, "own": _counted(numbers["own"]), "own_above": _counted(numbers["own_above"])}
    if factor == "hour":
        return _HOUR % {"own": _counted(numbers["own"]), "density": _counted(numbers["density"])}
    if factor == "travel":
        return _TRAVEL % numbers if numbers["kilometres"] else _NO_TRAVEL
    if factor == "device":
        return _KNOWN_DEVICE if numbers["known"] else _UNKNOWN_DEVICE
    return _ATTACKS % numbers


def _counted(thousandths: int) -> str:
    """Return a number of sign-ins, in which old ones count less."""
    return f"{thousandths / _THOUSAND:.1f}".removesuffix(".0")
