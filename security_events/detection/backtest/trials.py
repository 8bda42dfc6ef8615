"""The settings of rules that a backtest compares: those in force, and those with changes such as ``rule.name=5``."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from security_events.detection.rules import Rule
from security_events.types import RuleMode

MODE = "mode"
LARGEST = 1_000_000_000  # of a threshold, as where an operator changes one


class TrialInvalid(Exception):
    """A change or a rule that can't be tried.

    ``code`` says why: ``form``, ``rule``, ``name`` or ``value``. ``text`` is what was given, ``known`` what is allowed.
    """

    def __init__(self, code: str, text: str, known: Collection[str] = ()) -> None:
        super().__init__(code, text)
        self.code, self.text, self.known = code, text, tuple(known)


@dataclass(frozen=True, slots=True)
class TrialSettings:
    """A mode and thresholds of a rule."""

    mode: RuleMode
    thresholds: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class RuleTrial:
    """A rule with the settings in force (``before``) and those that are tried (``after``)."""

    rule: Rule
    before: TrialSettings
    after: TrialSettings

    @property
    def is_changed(self) -> bool:
        return self.before != self.after


def trials_of(
    rules: Mapping[str, Rule],
    *,
    in_force: Callable[[Rule], TrialSettings],
    changes: Sequence[str],
    only: Collection[str] = (),
) -> list[RuleTrial]:
    """Return what a backtest compares: ``changes`` to rules; of ``only`` some rules, or of all.

    Raises: TrialInvalid.
    """
    for rule_id in only:
        _known_rule(rules, rule_id, text=rule_id)
    changed: dict[str, TrialSettings] = {}
    for text in changes:
        rule, name, value = _parts(rules, text)
        changed[rule.id] = _changed(changed.get(rule.id) or in_force(rule), name, value, text)
    missing = set(changed) - set(only)
    if only and missing:
        raise TrialInvalid("rule", ", ".join(sorted(missing)), sorted(only))
    return [
        RuleTrial(rule, in_force(rule), changed.get(rule.id) or in_force(rule))
        for rule in rules.values()
        if not only or rule.id in only
    ]


def _parts(rules: Mapping[str, Rule], text: str) -> tuple[Rule, str, str]:
    target, equals, value = text.partition("=")
    rule_id, dot, name = target.strip().rpartition(".")
    if not (equals and dot and rule_id and name and value.strip()):
        raise TrialInvalid("form", text)
    return _known_rule(rules, rule_id, text=text), name, value.strip()


def _known_rule(rules: Mapping[str, Rule], rule_id: str, *, text: str) -> Rule:
    if rule_id not in rules:
        raise TrialInvalid("rule", text, sorted(rules))
    return rules[rule_id]


def _changed(settings: TrialSettings, name: str, value: str, text: str) -> TrialSettings:
    if name == MODE:
        if value not in set(RuleMode):
            raise TrialInvalid("value", text, list(RuleMode))
        return TrialSettings(RuleMode(value), settings.thresholds)
    if name not in settings.thresholds:
        raise TrialInvalid("name", text, [*settings.thresholds, MODE])
    if not (value.isascii() and value.isdigit() and len(value) <= len(str(LARGEST)) and 1 <= int(value) <= LARGEST):
        raise TrialInvalid("value", text, [f"1 … {LARGEST}"])
    return TrialSettings(settings.mode, {**settings.thresholds, name: int(value)})
