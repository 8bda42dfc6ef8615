"""What differs between two settings of a rule."""

from dataclasses import replace

import pytest

from security_events.detection.backtest.outcomes import Concerned, KnownIncident, ReplayedEvent
from security_events.detection.backtest.replay import ONE_INCIDENT, Replay
from security_events.detection.backtest.trials import RuleTrial, TrialSettings
from security_events.detection.facts import Fact
from security_events.detection.judges import repeated
from security_events.detection.rules import GroupBy, Rule
from security_events.types import ResponseKind, RuleMode, Severity

KNOCKED = "door.knocked"
RULE = Rule(
    "knocking",
    title="Knocking",
    reason="-",
    false_alarms="-",
    severity=Severity.HIGH,
    score=73,
    group_by=GroupBy.ACCOUNT,
    window=60,
    watches=frozenset({KNOCKED}),
    triggers=frozenset({KNOCKED}),
    judge=repeated,
    thresholds={"events": 3},
    responses=(ResponseKind.NOTIFY, ResponseKind.STEP_UP, ResponseKind.TIGHTEN_NETWORK),
)
RISK = replace(
    RULE, id="sign_in_risk", triggers=frozenset(), thresholds={"notify": 40, "step_up": 70, "refuse": 101}, responses=()
)


def settings(mode=RuleMode.ENFORCE, **thresholds):
    return TrialSettings(mode, thresholds or RULE.thresholds)


def event(account, at, *, score=0, is_attack=False):
    fact = Fact(
        event_id=f"{account}-{at}",
        at=at,
        type=KNOCKED,
        succeeded=False,
        account=account,
        actor=account,
        network="192.0.2.0",
    )
    return ReplayedEvent(fact, score, is_attack)


def knocks(account, count, *, at=0.0, **details):
    return [event(account, at + number, **details) for number in range(count)]


def replayed(events, *, before=None, after, rule=RULE, known=(), since=float("-inf")):
    replay = Replay([RuleTrial(rule, before or settings(), after)], counted_from=since, known=known)
    replay.see(sorted(events, key=lambda event: event.fact.at))
    return replay.report()


class TestIncidents:
    def test_that_a_higher_threshold_no_longer_finds_are_named_with_the_event(self):
        (rule,) = replayed([*knocks("ada", 3), *knocks("bob", 9)], after=settings(events=5)).rules

        assert (rule.incidents_before, rule.incidents_after, rule.new, rule.gone) == (2, 1, 0, 1)
        assert (rule.findings_before, rule.findings_after) == (1 + 7, 5)
        assert [(each.key, each.event_id) for each in rule.gone_examples] == [("ada", "ada-2.0")]

    def test_that_a_lower_threshold_finds_in_addition_are_new(self):
        (rule,) = replayed(knocks("ada", 2), after=settings(events=2)).rules

        assert (rule.incidents_before, rule.incidents_after, rule.new, rule.gone) == (0, 1, 1, 0)

    def test_are_as_many_as_there_are_pauses_of_an_hour(self):
        events = [*knocks("ada", 5), *knocks("ada", 5, at=ONE_INCIDENT), *knocks("ada", 5, at=3 * ONE_INCIDENT)]

        assert replayed(events, after=settings()).rules[0].incidents_after == 2

    def test_are_not_those_before_the_time_but_their_events_fill_the_windows(self):
        report = replayed([*knocks("ada", 9), event("bob", 10.0), *knocks("bob", 2, at=21)], since=20, after=settings())

        assert report.rules[0].incidents_before == 1
        assert (report.events, report.earlier_events) == (12, 10)

    @pytest.mark.parametrize(("mode", "incidents", "told"), [(RuleMode.OFF, 0, 0), (RuleMode.SHADOW, 1, 0)])
    def test_of_a_rule_that_would_not_be_enforced_have_no_responses(self, mode, incidents, told):
        report = replayed(knocks("ada", 3), after=settings(mode))

        assert report.rules[0].incidents_after == incidents
        assert report.concerned[ResponseKind.NOTIFY].before == 1
        assert report.concerned[ResponseKind.NOTIFY].after == told
        assert report.concerned[ResponseKind.NOTIFY].no_longer_examples == ["ada"]

    def test_with_an_event_that_the_stream_calls_an_attack_are_counted(self):
        events = [*knocks("ada", 3, is_attack=True), *knocks("bob", 3)]
        (rule,) = replayed(events, after=settings(events=4)).rules

        assert (rule.attacks_before, rule.attacks_after) == (1, 0)


class TestPeople:
    def test_are_told_apart_by_what_would_happen_to_them(self):
        report = replayed([*knocks("ada", 2), *knocks("bob", 3)], after=settings(events=2))

        for kind in (ResponseKind.NOTIFY, ResponseKind.STEP_UP):
            assert report.concerned[kind].newly_examples == ["ada"]
            assert (report.concerned[kind].before, report.concerned[kind].after) == (1, 2)
        assert report.concerned[ResponseKind.TIGHTEN_NETWORK].after == 1  # both have one network

    def test_without_an_account_can_not_be_told_anything(self):
        stranger = [ReplayedEvent(replace(each.fact, is_unknown_name=True)) for each in knocks("pseudonym", 3)]
        assert replayed(stranger, after=settings()).concerned.keys() == {ResponseKind.TIGHTEN_NETWORK}

    def test_are_counted_up_to_a_bound(self):
        concerned = Concerned(most=2)
        for name in ("ada", "bob", "cyd", "ada"):
            concerned.add(name, before=False, after=True)

        difference = concerned.difference()
        assert (difference.after, difference.is_capped) == (2, True)


class TestTheRiskOfSignIns:
    def test_is_answered_by_the_highest_threshold_that_it_reaches(self):
        events = [event(name, number, score=score) for number, (name, score) in enumerate(SCORES.items())]
        events = [each._replace(fact=replace(each.fact, succeeded=True)) for each in events]
        report = replayed(
            events,
            rule=RISK,
            before=settings(**RISK.thresholds),
            after=settings(notify=30, step_up=50, refuse=95),
        )
        assert report.concerned["notify"].newly_examples == ["low"]
        assert report.concerned["notify"].no_longer_examples == ["middle"]
        assert report.concerned["step_up"].newly_examples == ["middle"]
        assert report.concerned["step_up"].no_longer_examples == ["highest"]
        assert report.concerned["refuse"].newly_examples == ["highest"]
        assert (report.rules[0].incidents_before, report.rules[0].incidents_after) == (2, 3)


SCORES = {"none": 10, "low": 30, "middle": 60, "high": 80, "highest": 95}


class TestVerdicts:
    KNOWN = (
        KnownIncident("1", "knocking", "ada", 0, 10, is_attack=True),
        KnownIncident("2", "knocking", "bob", 0, 10, is_attack=True),
        KnownIncident("3", "knocking", "cyd", 0, 10, is_attack=False),
        KnownIncident("4", "another rule", "ada", 0, 10, is_attack=True),
    )

    def test_say_which_attacks_would_be_missed_and_which_false_alarms_would_vanish(self):
        events = [*knocks("ada", 9), *knocks("bob", 3), *knocks("cyd", 3), *knocks("bob", 9, at=500)]
        report = replayed(events, known=self.KNOWN, after=settings(events=5))

        assert report.attacks == 2
        assert [incident.id for incident in report.missed] == ["2"]
        assert (report.false_alarms, [incident.id for incident in report.vanished]) == (1, ["3"])
