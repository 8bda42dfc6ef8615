"""What a rule is asked with two settings: prepared once, because a backtest asks millions of times."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from security_events.detection.backtest.trials import RuleTrial, TrialSettings
from security_events.detection.facts import Fact
from security_events.detection.rules import Judge
from security_events.types import ResponseKind, RuleMode

REFUSE = "refuse"  # what no response of an incident does: the risk of a sign-in alone
NO_STEPS = ("", "")
_HIGHEST_SCORE = 100  # of the risk of a sign-in
# Thresholds of the risk of a sign-in, the highest first, and what follows.
_RISK_STEPS = (("refuse", REFUSE), ("step_up", str(ResponseKind.STEP_UP)), ("notify", str(ResponseKind.NOTIFY)))


@dataclass(frozen=True, slots=True)
class RuleQuestion:
    """A rule and the thresholds before and after; ``None`` while it is off."""

    trial: RuleTrial
    judge: Judge
    before: Mapping[str, int] | None
    after: Mapping[str, int] | None
    is_changed: bool

    @classmethod
    def of(cls, trial: RuleTrial) -> "RuleQuestion":
        return cls(trial, trial.rule.judge, _thresholds(trial.before), _thresholds(trial.after), trial.is_changed)

    @property
    def is_always_off(self) -> bool:
        return self.before is None and self.after is None

    def answers(self, window: Sequence[Fact]) -> tuple[bool, bool]:
        """Return whether the rule finds an attack in a window, with the settings before and after."""
        before = self.before is not None and self.judge(window, self.before) is not None
        if not self.is_changed:
            return before, before
        return before, self.after is not None and self.judge(window, self.after) is not None


class RiskQuestion:
    """What follows the risk of a sign-in, by the thresholds before and after."""

    def __init__(self, trial: RuleTrial) -> None:
        self.trial = trial
        before, after = _steps(trial.before), _steps(trial.after)
        self._answers = [(_step(before, score), _step(after, score)) for score in range(_HIGHEST_SCORE + 1)]

    def answers(self, score: int) -> tuple[str, str]:
        """Return the highest step that a score reaches with each settings; an empty text for none."""
        return self._answers[min(max(score, 0), _HIGHEST_SCORE)]


def _thresholds(settings: TrialSettings) -> Mapping[str, int] | None:
    return None if settings.mode is RuleMode.OFF else settings.thresholds


def _steps(settings: TrialSettings) -> list[tuple[int, str]]:
    thresholds = _thresholds(settings) or {}
    return [(thresholds[name], step) for name, step in _RISK_STEPS if name in thresholds]


def _step(steps: Sequence[tuple[int, str]], score: int) -> str:
    for threshold, step in steps:
        if score >= threshold:
            return step
    return ""
