"""Ask rules about a stream of facts with two settings of each rule, and count what differs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from security_events.detection.backtest.outcomes import (
    MOST_EXAMPLES,
    Concerned,
    Difference,
    Example,
    KnownIncident,
    ReplayedEvent,
    RuleOutcome,
    Verdicts,
)
from security_events.detection.backtest.questions import NO_STEPS, REFUSE, RiskQuestion, RuleQuestion
from security_events.detection.backtest.trials import RuleTrial
from security_events.detection.backtest.windows import MOST_KEPT, SharedWindows
from security_events.detection.facts import Fact
from security_events.types import ResponseKind, RuleMode

ONE_INCIDENT = 3600.0  # seconds: findings of a rule about one key are one incident until there is none for so long
RISK_RULE = "sign_in_risk"
_SWEEP_EVERY = 100_000  # facts


@dataclass(frozen=True, slots=True)
class BacktestReport:
    """What was replayed and what differs. ``missed`` are attacks by verdict, ``vanished`` false alarms by verdict.

    Of ``events``, the ``earlier_events`` filled the windows alone. ``forgotten`` is explained by ``SharedWindows``.
    """

    events: int
    earlier_events: int
    forgotten: int
    rules: Sequence[RuleOutcome]
    concerned: Mapping[str, Difference]
    attacks: int
    missed: Sequence[KnownIncident]
    false_alarms: int
    vanished: Sequence[KnownIncident]


@dataclass(slots=True)
class _Episode:
    """An incident that goes on: since its first finding none was ``ONE_INCIDENT`` after the one before."""

    example: Example
    last_at: float
    before: bool = False
    after: bool = False
    is_attack_before: bool = False
    is_attack_after: bool = False


@dataclass(slots=True)
class Replay:
    """A backtest that goes on. Findings count from ``counted_from`` on; earlier facts fill the windows alone."""

    trials: Sequence[RuleTrial]
    counted_from: float = float("-inf")
    known: Sequence[KnownIncident] = ()
    most_kept: int = MOST_KEPT
    events: int = 0
    earlier_events: int = 0
    _questions: dict[str, RuleQuestion] = field(init=False)
    _outcomes: dict[str, RuleOutcome] = field(init=False)
    _windows: SharedWindows = field(init=False)
    _verdicts: Verdicts = field(init=False)
    _episodes: dict[tuple[str, str], _Episode] = field(default_factory=dict)
    _concerned: dict[str, Concerned] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._outcomes = {trial.rule.id: RuleOutcome(trial.rule.id) for trial in self.trials}
        questions = [RuleQuestion.of(trial) for trial in self.trials if trial.rule.id != RISK_RULE]
        self._questions = {each.trial.rule.id: each for each in questions if not each.is_always_off}
        asked = [each.trial.rule for each in self._questions.values()]
        self._windows = SharedWindows(asked, most_kept=self.most_kept)
        self._verdicts = Verdicts(self.known)

    def see(self, events: Iterable[ReplayedEvent]) -> None:
        """Ask the rules about further events, in their order."""
        risk = next((RiskQuestion(trial) for trial in self.trials if trial.rule.id == RISK_RULE), None)
        questions, asked_about = self._questions, self._windows.asked
        for event in events:
            fact = event.fact
            is_counted = fact.at >= self.counted_from
            self.earlier_events += not is_counted
            for rules, window in asked_about(fact):
                if is_counted:
                    for rule in rules:
                        question = questions[rule.id]
                        before, after = question.answers(window)
                        if before or after:
                            self._found(question.trial, event, before=before, after=after)
            if is_counted and risk is not None and fact.succeeded and fact.type in risk.trial.rule.watches:
                self._ask_risk(risk, event)
            self.events += 1
            if self.events % _SWEEP_EVERY == 0:
                self._end_episodes(before=fact.at - ONE_INCIDENT)

    def report(self) -> BacktestReport:
        """Return what was counted. The replay is over then."""
        self._end_episodes(before=float("inf"))
        attacks = list(self._verdicts.of(set(self._outcomes), is_attack=True))
        alarms = list(self._verdicts.of(set(self._outcomes), is_attack=False))
        return BacktestReport(
            events=self.events,
            earlier_events=self.earlier_events,
            forgotten=self._windows.forgotten,
            rules=list(self._outcomes.values()),
            concerned={kind: concerned.difference() for kind, concerned in sorted(self._concerned.items())},
            attacks=len(attacks),
            missed=[incident for incident, is_found in attacks if not is_found],
            false_alarms=len(alarms),
            vanished=[incident for incident, is_found in alarms if not is_found],
        )

    def _found(self, trial: RuleTrial, event: ReplayedEvent, *, before: bool, after: bool) -> None:
        self._count(trial, trial.rule.incident_key(event.fact), event, before=before, after=after)
        for kind in trial.rule.responses:
            self._concern(trial, kind, _aim(kind, trial, event.fact), before=before, after=after)

    def _ask_risk(self, risk: RiskQuestion, event: ReplayedEvent) -> None:
        fact = event.fact
        steps = risk.answers(event.risk_score)
        if fact.is_unknown_name or not fact.account or steps == NO_STEPS:
            return
        for kind in {*steps} - {""}:
            self._concern(risk.trial, kind, fact.account, before=steps[0] == kind, after=steps[1] == kind)
        before, after = (step in (REFUSE, ResponseKind.STEP_UP) for step in steps)
        if before or after:
            self._count(risk.trial, fact.account, event, before=before, after=after)

    def _count(self, trial: RuleTrial, key: str, event: ReplayedEvent, *, before: bool, after: bool) -> None:
        rule, fact = trial.rule.id, event.fact
        outcome = self._outcomes[rule]
        outcome.findings_before += before
        outcome.findings_after += after
        if after:
            self._verdicts.found(rule, key, fact.at)
        episode = self._episodes.get((rule, key))
        if episode is not None and fact.at - episode.last_at > ONE_INCIDENT:
            self._end(episode)
            episode = None
        if episode is None:
            episode = self._episodes[rule, key] = _Episode(Example.of(rule, key, fact), fact.at)
        episode.last_at = max(episode.last_at, fact.at)
        episode.before, episode.after = episode.before or before, episode.after or after
        episode.is_attack_before |= before and event.is_attack
        episode.is_attack_after |= after and event.is_attack

    def _concern(self, trial: RuleTrial, kind: str, who: str, *, before: bool, after: bool) -> None:
        before = before and trial.before.mode is RuleMode.ENFORCE
        after = after and trial.after.mode is RuleMode.ENFORCE
        if who and (before or after):
            self._concerned.setdefault(str(kind), Concerned()).add(who, before=before, after=after)

    def _end_episodes(self, *, before: float) -> None:
        ended = [cause for cause, episode in self._episodes.items() if episode.last_at < before]
        for cause in ended:
            self._end(self._episodes.pop(cause))

    def _end(self, episode: _Episode) -> None:
        outcome = self._outcomes[episode.example.rule]
        outcome.incidents_before += episode.before
        outcome.incidents_after += episode.after
        outcome.attacks_before += episode.is_attack_before
        outcome.attacks_after += episode.is_attack_after
        if episode.before != episode.after:
            outcome.new += episode.after
            outcome.gone += episode.before
            examples = outcome.new_examples if episode.after else outcome.gone_examples
            if len(examples) < MOST_EXAMPLES:
                examples.append(episode.example)


def _aim(kind: ResponseKind, trial: RuleTrial, fact: Fact) -> str:
    """Return the account or the network that a response to a finding is about; an empty text for none."""
    if kind is ResponseKind.TIGHTEN_NETWORK:
        return fact.network
    is_about_account = trial.rule.is_about_account and not fact.is_unknown_name
    return fact.account if is_about_account else ""
