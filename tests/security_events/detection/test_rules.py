"""The rules: what each finds, what each leaves alone, and how they do on seeds that nothing was chosen by."""

from dataclasses import replace

import pytest

from accounts import detection_rules as ours
from security_events.detection import rules
from security_events.detection.facts import Fact, fact_from, program_digest
from security_events.detection.judges import repeated
from security_events.detection.rules import RULES, GroupBy, Rule, register
from security_events.detection.simulation.rule_measurement import measure
from security_events.detection.windows import MemoryWindows
from security_events.geoip import Location
from security_events.types import Severity

FAILED, SUCCEEDED = "authentication.login_failed", "authentication.login_succeeded"
HOME, HOTEL = "192.0.2.7", "198.51.100.9"


def fact(at, type_=FAILED, *, account="mina", address=HOTEL, program="curl", **more):
    return Fact(
        event_id=f"{type_}-{at}-{account}",
        at=float(at),
        type=type_,
        succeeded=type_ == SUCCEEDED,
        account=account,
        actor=account,
        ip_address=address,
        network=address.rpartition(".")[0],
        program=program,
        **more,
    )


def found(rule, facts, **thresholds):
    windows = MemoryWindows([rule], thresholds={rule.id: thresholds})
    return [(each.key, each.trigger.at) for each in windows.findings(facts)]


class TestBruteForce:
    def test_is_found_with_the_fifth_failure_of_a_stranger_within_five_minutes(self):
        known = fact(0, SUCCEEDED, address=HOME, program="Firefox")
        tries = [fact(1000 + 60 * number) for number in range(6)]

        assert found(ours.BRUTE_FORCE, [known, *tries]) == [("mina", 1240.0), ("mina", 1300.0)]
        assert found(ours.BRUTE_FORCE, [known, *(fact(1000 + 80 * number) for number in range(6))]) == []

    def test_leaves_a_person_alone_who_forgot_the_password_at_home(self):
        known = fact(0, SUCCEEDED, address=HOME, program="Firefox")

        assert found(ours.BRUTE_FORCE, [known, *(fact(1000 + n, address=HOME) for n in range(40))]) == []

    def test_counts_the_failures_of_a_known_program_and_of_a_new_account_half(self):
        known = fact(0, SUCCEEDED, address=HOME, program="Firefox")
        tries = [fact(1000 + number, program="Firefox") for number in range(10)]

        assert found(ours.BRUTE_FORCE, [known, *tries]) == [("mina", 1009.0)]
        assert found(ours.BRUTE_FORCE, tries) == [("mina", 1009.0)]

    def test_counts_failures_in_a_country_of_the_account_half_whatever_the_program(self):
        known = fact(0, SUCCEEDED, address=HOME, program="Firefox", location=OSLO)
        near, far, unknown = (
            [fact(1000 + number, location=place) for number in range(10)] for place in (BERGEN, LIMA, None)
        )

        assert found(ours.BRUTE_FORCE, [known, *near]) == [("mina", 1009.0)]
        assert found(ours.BRUTE_FORCE, [known, *far])[0] == ("mina", 1004.0)
        assert found(ours.BRUTE_FORCE, [known, *unknown])[0] == ("mina", 1004.0)

    def test_counts_what_a_summary_stands_for(self):
        known = fact(0, SUCCEEDED, address=HOME, program="Firefox")

        assert found(ours.BRUTE_FORCE, [known, fact(1000), fact(1060, times=7)]) == [("mina", 1060.0)]


class TestManyAccounts:
    def tries(self, number, **more):
        return [fact(each, account=f"person-{each}", **more) for each in range(number)]

    def test_stuffing_needs_25_tries_on_15_accounts(self):
        assert found(ours.CREDENTIAL_STUFFING, self.tries(24)) == []
        assert found(ours.CREDENTIAL_STUFFING, self.tries(25)) == [("198.51.100", 24.0)]

    def test_is_not_hidden_by_accounts_that_are_tried_more_often(self):
        others = [replace(each, account=f"often-{number % 8}") for number, each in enumerate(self.tries(32))]
        list_ = [replace(each, at=100 + each.at) for each in self.tries(25)]

        assert found(ours.CREDENTIAL_STUFFING, [*others, *list_[:24]]) == []
        assert found(ours.CREDENTIAL_STUFFING, [*others, *list_]) == [("198.51.100", 124.0)]

    def test_leaves_an_office_alone_whose_people_mistype_and_then_succeed(self):
        office = [
            each
            for number in range(200)
            for each in (
                fact(2 * number, account=f"person-{number}"),
                fact(2 * number + 1, SUCCEEDED, account=f"person-{number}"),
            )
        ]
        assert found(ours.CREDENTIAL_STUFFING, office) == []

    def test_spraying_needs_several_tries_on_each_account(self):
        tries = [replace(each, at=each.at + 600 * again) for again in range(3) for each in self.tries(5)]

        assert found(ours.PASSWORD_SPRAYING, self.tries(15)) == []
        assert found(ours.PASSWORD_SPRAYING, tries) == [("198.51.100", 1204.0)]

    def test_spraying_by_a_botnet_is_found_by_its_program_but_not_on_a_busy_site(self):
        tries = [
            replace(each, ip_address=f"203.0.{n % 7}.1", network=f"203.0.{n % 7}")
            for n, each in enumerate(self.tries(30))
        ]
        busy = [fact(each / 10, SUCCEEDED, account=f"honest-{each}") for each in range(100)]

        assert found(ours.DISTRIBUTED_SPRAYING, tries)[0] == ("curl", 24.0)
        assert found(ours.DISTRIBUTED_SPRAYING, sorted([*tries, *busy], key=lambda each: each.at)) == []


OSLO, BERGEN, LIMA = (
    Location(country=country, latitude=latitude, longitude=longitude)
    for country, latitude, longitude in (("NO", 59.91, 10.75), ("NO", 60.39, 5.32), ("PE", -12.05, -77.04))
)


class TestTravel:
    def visits(self, *places, hours=1.0, **more):
        return [fact(number * hours * 3600, SUCCEEDED, location=place, **more) for number, place in enumerate(places)]

    def test_is_as_long_in_the_order_of_the_trail_as_in_that_of_times(self):
        assert found(ours.IMPOSSIBLE_TRAVEL, self.visits(OSLO, LIMA, hours=-24)) == []
        assert found(ours.IMPOSSIBLE_TRAVEL, self.visits(OSLO, LIMA, hours=-1)) == [("mina", -3600.0)]

    def test_from_oslo_to_lima_in_an_hour_is_found_and_in_a_day_it_is_not(self):
        assert found(ours.IMPOSSIBLE_TRAVEL, self.visits(OSLO, LIMA)) == [("mina", 3600.0)]
        assert found(ours.IMPOSSIBLE_TRAVEL, self.visits(OSLO, LIMA, hours=24)) == []

    def test_names_both_ends_of_the_journey(self):
        visits = self.visits(OSLO, LIMA)
        (finding,) = (each.finding for each in MemoryWindows([ours.IMPOSSIBLE_TRAVEL]).findings(visits))

        assert finding.facts == tuple(visits)

    def test_within_a_country_is_not_far_enough(self):
        assert found(ours.IMPOSSIBLE_TRAVEL, self.visits(OSLO, BERGEN, hours=0.1)) == []

    def test_to_one_of_the_last_five_places_is_no_journey(self):
        assert found(ours.IMPOSSIBLE_TRAVEL, self.visits(OSLO, LIMA, OSLO, LIMA)) == [("mina", 3600.0)]
        forgotten = self.visits(LIMA, OSLO, OSLO, OSLO, OSLO, OSLO, LIMA)
        assert found(ours.IMPOSSIBLE_TRAVEL, forgotten) == [("mina", 3600.0), ("mina", 6 * 3600.0)]

    def test_says_nothing_of_relays_unknown_places_and_inaccurate_ones(self):
        vague = replace(LIMA, radius_km=201)

        assert found(ours.IMPOSSIBLE_TRAVEL, [*self.visits(OSLO), *self.visits(OSLO, LIMA, is_relay=True)[1:]]) == []
        assert found(ours.IMPOSSIBLE_TRAVEL, self.visits(OSLO, None)) == []
        assert found(ours.IMPOSSIBLE_TRAVEL, self.visits(OSLO, Location(country="PE"))) == []
        assert found(ours.IMPOSSIBLE_TRAVEL, self.visits(OSLO, vague)) == []

    def test_subtracts_the_accuracy_of_both_places(self):
        far = replace(BERGEN, latitude=65.0, longitude=10.75)  # 566 km from Oslo
        near = replace(far, radius_km=70)

        assert found(ours.IMPOSSIBLE_TRAVEL, self.visits(OSLO, far, hours=0.2)) == [("mina", 720.0)]
        assert found(ours.IMPOSSIBLE_TRAVEL, self.visits(OSLO, near, hours=0.2)) == []


class TestOthers:
    def test_enumeration_counts_names_that_nobody_has_and_resets(self):
        unknown = [fact(each, account=f"nobody-{each}", is_unknown_name=True) for each in range(5)]
        resets = [fact(5 + each, "password.reset_requested", account=f"person-{each}") for each in range(5)]

        assert found(ours.ENUMERATION, [*unknown, *resets]) == [("198.51.100", 9.0)]
        assert found(ours.ENUMERATION, [fact(each, account="nobody", is_unknown_name=True) for each in range(99)]) == []

    def test_fatigue_counts_challenges_since_the_last_sign_in(self):
        challenges = [fact(each, "mfa.challenged") for each in range(5)]

        assert found(ours.MFA_FATIGUE, challenges) == [("mina", 4.0)]
        assert found(ours.MFA_FATIGUE, [*challenges[:3], fact(2.5, SUCCEEDED), *challenges[3:]]) == []

    def test_guessing_needs_ten_codes(self):
        codes = [fact(each, "mfa.failed") for each in range(10)]

        assert found(ours.MFA_GUESSING, codes) == [("mina", 9.0)]
        assert found(ours.MFA_GUESSING, codes, events=11) == []

    @pytest.mark.parametrize("type_", ["staff_rights.granted", "role.granted", "policy.own_rights_extended"])
    def test_a_grant_to_oneself_is_found_and_one_to_another_is_not(self, type_):
        grant = fact(1, type_)

        assert found(ours.GRANT_TO_ONESELF, [grant]) == [("mina", 1.0)]
        assert found(ours.GRANT_TO_ONESELF, [replace(grant, actor="omar")]) == []

    def test_an_event_without_an_address_is_nobodys(self):
        assert (
            found(ours.ENUMERATION, [replace(fact(each), network="", is_unknown_name=True) for each in range(30)]) == []
        )


class TestTheRegistry:
    def rule(self, **more):
        given = {
            "id": "a_test",
            "title": "",
            "reason": "",
            "false_alarms": "",
            "severity": Severity.LOW,
            "score": 1,
            "group_by": GroupBy.ACCOUNT,
            "window": 60,
            "watches": frozenset({"a.done"}),
            "triggers": frozenset({"a.done"}),
            "judge": repeated,
        }
        return Rule(**{**given, **more})

    def test_refuses_two_rules_of_one_id_and_a_trigger_that_is_not_watched(self, monkeypatch):
        monkeypatch.setattr(rules, "_registered", {})
        rule = register(self.rule())
        assert register(rule) is rule
        with pytest.raises(ValueError, match="declared already"):
            register(self.rule())
        with pytest.raises(ValueError, match="watch its triggers"):
            self.rule(triggers=frozenset({"b.done"}))

    def test_loads_those_of_installed_apps(self):
        rules.load()
        assert RULES["brute_force"] is ours.BRUTE_FORCE


def test_a_fact_is_made_of_the_public_form():
    form = {
        "id": "1",
        "occurred_at": "2026-01-05T10:00:00.250000Z",
        "type": FAILED,
        "outcome": "failure",
        "actor_id": None,
        "actor_pseudonym": "ab12",
        "target_id": None,
        "session_id": None,
        "ip_address": "2001:db8:1:2::3",
        "user_agent": "Firefox/120.0",
        "data": {"repeats": 4},
    }
    assert fact_from(form) == Fact(
        event_id="1",
        at=1767607200.25,
        type=FAILED,
        succeeded=False,
        account="ab12",
        actor="ab12",
        ip_address="2001:db8:1:2::3",
        network="2001:db8:1::",
        program=program_digest("Firefox/121.5"),
        is_unknown_name=True,
        times=4,
    )


@pytest.fixture(scope="module")
def measured():
    rules.load()
    each = [measure(tuple(RULES.values()), seed=seed, people=250, days=40, attacks=12) for seed in (301, 302, 303)]
    return {rule: [figures[rule] for figures in each] for rule in RULES}


rules.load()


@pytest.mark.slow
@pytest.mark.parametrize("rule", [each for each in RULES if RULES[each].triggers])
def test_recall_and_precision_on_seeds_that_nothing_was_chosen_by(measured, rule):
    figures = measured[rule]
    attacks, right = sum(each.attacks for each in figures), sum(each.right for each in figures)

    assert attacks == 36
    assert sum(each.found for each in figures) >= 0.95 * attacks
    assert right >= 0.95 * sum(each.incidents for each in figures)
