"""What a change of the policy changes: the proof says the same as asking every request of a small world."""

import random
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from accounts.access.deciding.hours import parse_hours
from accounts.access.deciding.index import CompiledPolicy
from accounts.access.deciding.rules import Effect, Rule
from accounts.access.impact.candidates import TooManyCases
from accounts.access.impact.differences import PolicySource, Profile, differences, profiles_of
from tests.accounts.access.policies import ACTIONS, START, random_parents, random_request, random_rule, random_rules

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
PATHS = ["/".join(path) for length in (1, 2, 3, 4) for path in product("abz", repeat=length) if path.count("z") < 3]


def rule(path, rule_id="one", subject="role:staff", **details):
    return Rule(
        **{"id": rule_id, "subject": subject, "object": path, "action": "read", "effect": Effect.ALLOW, **details}
    )


def source(*rules, parents=None):
    return PolicySource(rules, {"staff": []} if parents is None else parents)


def compiled(policy):
    return CompiledPolicy(rules=policy.rules, parents=policy.parents, version=0)


def ask(policy, found):
    return policy.decide(
        subject=found.profile.subject,
        roles=found.profile.roles,
        object_path=found.object,
        action=found.action,
        attributes=found.attributes,
        at=found.at,
    )


def changes(before, after, profiles=None):
    profiles = profiles or profiles_of(before, after)
    return list(differences(before, after, profiles=profiles, now=NOW))


def random_change(rng, rules):
    """Remove, add or change some rules."""
    kept = [each for each in rules if rng.random() < 0.8]
    return kept + [random_rule(rng, f"new-{number}") for number in range(rng.randint(0, 2))]


class TestAProof:
    @pytest.mark.slow
    @pytest.mark.parametrize("seed", range(4))
    def test_says_what_brute_force_says(self, seed):
        """Of 1,000 random pairs: each example is true, and each changed request is of a kind that was reported."""
        rng = random.Random(seed)
        changed_requests = 0
        for _ in range(250):
            before = PolicySource(random_rules(rng, 6), random_parents(rng))
            after = PolicySource(random_change(rng, before.rules), random_parents(rng))
            profiles = profiles_of(before, after)
            found = changes(before, after, profiles)
            old, new = compiled(before), compiled(after)
            for each in found:
                assert (ask(old, each), ask(new, each)) == (each.before, each.after)
                assert each.before.is_allowed is not each.after.is_allowed
            reported = {(each.profile, each.before.rule, each.after.rule) for each in found}
            for profile, path in product(profiles, rng.sample(PATHS, 12)):
                request = random_request(rng)
                for action in (*ACTIONS, "erase"):
                    asked = {
                        "subject": profile.subject,
                        "roles": profile.roles,
                        "object_path": path,
                        "action": action,
                        "attributes": request.attributes,
                        "at": request.at,
                    }
                    one, two = old.decide(**asked), new.decide(**asked)
                    if one.is_allowed is not two.is_allowed:
                        changed_requests += 1
                        assert (profile, one.rule, two.rule) in reported
        assert changed_requests > 500

    def test_of_an_equal_policy_is_empty(self):
        assert changes(source(rule("documents/*")), source(rule("documents/*", rule_id="another"))) == []

    def test_of_a_rule_that_another_one_covers_is_empty(self):
        wide = rule("documents/**", rule_id="wide")
        assert changes(source(wide), source(wide, rule("documents/*"))) == []

    def test_names_who_gains_what(self):
        (gain,) = changes(source(), source(rule("documents/*/notes")))
        assert gain.is_gain
        assert gain.profile == Profile("", frozenset({"staff"}))
        assert (gain.object, gain.action, gain.after.rule) == ("documents/other/notes", "read", "one")

    def test_names_who_loses_what(self):
        wide = rule("documents/**", rule_id="wide")
        (loss,) = changes(source(wide), source(wide, rule("documents/42", effect=Effect.DENY)))
        assert (loss.is_gain, loss.object, loss.after.rule) == (False, "documents/42", "one")

    def test_sees_what_a_parent_brings(self):
        parents = {"staff": [], "boss": []}
        rules = rule("documents/*")
        found = changes(source(rules, parents=parents), source(rules, parents={**parents, "boss": ["staff"]}))
        assert [each.profile.roles for each in found] == [frozenset({"boss"})]

    def test_sees_what_only_holds_of_several_roles(self):
        """A denial for one role takes away what another one gives: only somebody with both loses it."""
        parents = {"staff": [], "guest": []}
        given, denied = rule("documents/*"), rule("documents/*", "no", "role:guest", effect=Effect.DENY)
        before, after = source(given, parents=parents), source(given, denied, parents=parents)
        assert changes(before, after) == []
        both = Profile("", frozenset({"staff", "guest"}))
        assert [each.profile for each in changes(before, after, [both])] == [both]

    def test_finds_the_minute_that_changes(self):
        office = {"weekdays": ["mon"], "from": "09:00", "until": "17:00", "time_zone": "Europe/Madrid"}
        longer = {**office, "until": "17:01"}
        before = source(rule("**", hours=parse_hours(office)))
        (gain,) = changes(before, source(rule("**", hours=parse_hours(longer))))
        assert gain.is_gain
        assert gain.at.astimezone(parse_hours(office).zone).strftime("%a %H:%M") == "Mon 17:00"

    def test_finds_the_hour_in_which_two_zones_stand_otherwise(self):
        """For some weeks of spring New York is an hour nearer to Madrid, so that the office there opens earlier."""
        madrid = {"weekdays": ["mon"], "from": "14:00", "until": "15:00", "time_zone": "Europe/Madrid"}
        new_york = {"weekdays": ["mon"], "from": "09:00", "until": "10:00", "time_zone": "America/New_York"}
        denied = rule("**", "no", effect=Effect.DENY, hours=parse_hours(madrid))
        found = changes(source(denied), source(denied, rule("**", hours=parse_hours(new_york))))
        assert [each.is_gain for each in found] == [True]
        assert found[0].at.astimezone(UTC).month in {3, 10, 11}

    def test_finds_the_microsecond_in_which_a_rule_begins(self):
        begin = START + timedelta(hours=5)
        (gain,) = changes(
            source(rule("**", valid_from=begin + timedelta(microseconds=1))), source(rule("**", valid_from=begin))
        )
        assert gain.at == begin

    @pytest.mark.parametrize(
        ("name", "argument", "one", "two"),
        [
            ("at_most", "number", 5, 6),
            ("risk_below", "risk", 50, 51),
            ("factor_within", "seconds", 60, 61),
            ("network", "networks", ["192.0.2.0/25"], ["192.0.2.0/24"]),
        ],
    )
    def test_finds_what_lies_between_two_conditions(self, name, argument, one, two):
        attribute = {"attribute": "resource.amount"} if name == "at_most" else {}
        before, after = (
            source(rule("**", conditions=[{"name": name, "arguments": {**attribute, argument: value}}]))
            for value in (one, two)
        )
        assert [each.is_gain for each in changes(before, after)] == [True]

    def test_finds_nothing_where_the_bounds_are_the_same(self):
        one = {"name": "at_most", "arguments": {"attribute": "resource.amount", "number": 5}}
        two = {"name": "at_most", "arguments": {"attribute": "resource.amount", "number": 5.0}}
        assert changes(source(rule("**", conditions=[one])), source(rule("**", conditions=[two]))) == []

    def test_is_refused_where_cases_are_too_many(self):
        many = [
            {"name": "equals", "arguments": {"attribute": f"resource.member{number}", "value": "x"}}
            for number in range(12)
        ]
        with pytest.raises(TooManyCases):
            changes(source(), source(rule("**", conditions=many)))

    def test_of_a_changed_rule_compares_its_two_forms(self):
        (loss,) = changes(source(rule("**")), source(rule("**", effect=Effect.DENY)))
        assert (loss.is_gain, loss.before.rule, loss.after.rule) == (False, "one", "one")
