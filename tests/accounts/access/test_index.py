"""The compiled policy: what decides, and that nothing opens by mistake."""

import random
from datetime import UTC, datetime

import pytest

from accounts.access.deciding.index import CompiledPolicy, Reason
from accounts.access.deciding.rules import Effect, Rule
from accounts.access.errors import RolesInvalid, RuleInvalid
from tests.accounts.access.policies import random_parents, random_request, random_rules

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


def rule(subject, path, action="read", effect=Effect.ALLOW, rule_id="one", **details):
    return Rule(id=rule_id, subject=subject, object=path, action=action, effect=effect, **details)


def decide(*rules, subject="user:1", roles=(), path="documents/42", action="read", attributes=None, parents=None):
    policy = CompiledPolicy(rules=rules, parents=parents or {"staff": [], "boss": ["staff"]}, version=7)
    return policy.decide(
        subject=subject,
        roles=frozenset(roles),
        object_path=path,
        action=action,
        attributes=attributes or {},
        at=AT,
    )


class TestADecision:
    def test_names_its_rule_and_version(self):
        decision = decide(rule("user:1", "documents/*"))
        assert (decision.is_allowed, decision.reason, decision.rule, decision.version) == (
            True,
            Reason.ALLOWED,
            "one",
            7,
        )

    def test_of_an_empty_policy_is_no(self):
        assert decide().reason is Reason.NO_RULE
        assert not decide(subject="", path="x", action="").is_allowed  # Casbin says yes to empty texts here

    def test_denies_where_one_rule_does(self):
        rules = [rule("role:staff", "**", "*", rule_id="a"), rule("user:1", "documents/42", effect=Effect.DENY)]
        decision = decide(*rules, roles={"staff"})
        assert (decision.is_allowed, decision.rule) == (False, "one")

    def test_inherits_what_parents_may(self):
        assert decide(rule("role:staff", "documents/*"), roles={"boss"}).is_allowed
        assert not decide(rule("role:boss", "documents/*"), roles={"staff"}).is_allowed

    def test_takes_no_account_for_a_role(self):
        assert not decide(rule("role:staff", "**", "*"), subject="user:staff").is_allowed

    def test_gives_unknown_roles_nothing(self):
        assert not decide(rule("role:ghost", "**", "*"), roles={"ghost"}).is_allowed

    @pytest.mark.parametrize("path", ["documents/a\nb", "documents/../42", "", "documents//42"])
    def test_of_no_object_is_no(self, path):
        assert decide(rule("user:1", "**", "*"), path=path).reason is Reason.NO_OBJECT

    def test_is_not_evaded_by_a_newline(self):
        """With keyMatch2 of Casbin, ``:id`` matches a newline and ``*`` does not."""
        rules = [rule("user:1", "documents/*"), rule("user:1", "documents/**", effect=Effect.DENY, rule_id="no")]
        assert not decide(*rules, path="documents/a\nb").is_allowed

    def test_takes_a_star_in_an_object_for_a_character(self):
        assert not decide(rule("user:1", "documents/42"), path="documents/*").is_allowed
        assert decide(rule("user:1", "documents/*"), path="documents/*").is_allowed
        assert not decide(rule("user:1", "documents/*"), action="*").is_allowed
        assert decide(rule("user:1", "documents/*", "*"), action="*").is_allowed

    @pytest.mark.parametrize("path", ["documents", "documents/42/notes", "Documents/42"])
    def test_crosses_no_segment(self, path):
        assert not decide(rule("user:1", "documents/*"), path=path).is_allowed

    def test_reads_no_point_as_any_character(self):
        assert not decide(rule("user:1", "v1.0/a"), path="v1x0/a").is_allowed

    def test_needs_one_more_segment_for_the_rest(self):
        assert not decide(rule("user:1", "documents/**"), path="documents").is_allowed
        assert decide(rule("user:1", "documents/**"), path="documents/42/notes/1").is_allowed

    @pytest.mark.parametrize("effect", Effect)
    def test_of_a_missing_attribute_is_never_yes(self, effect):
        condition = {"name": "same", "arguments": {"left": "subject.id", "right": "resource.owner"}}
        always = rule("user:1", "**", rule_id="always")
        conditional = rule("user:1", "**", effect=effect, conditions=[condition])
        assert decide(conditional, attributes={"subject": {"id": "1"}}).is_allowed is False
        assert decide(always, conditional, attributes={}).is_allowed is (effect is Effect.ALLOW)

    def test_needs_the_department_and_the_place_of_a_rule(self):
        placed = rule("user:1", "**", department="sales", location="Madrid")
        assert decide(placed, attributes={"subject": {"department": "sales", "location": "Madrid"}}).is_allowed
        assert not decide(placed, attributes={"subject": {"department": "sales"}}).is_allowed
        assert not decide(placed, attributes={"subject": {"department": "sales", "location": "Oslo"}}).is_allowed

    def test_ends_when_the_rule_does(self):
        assert decide(rule("user:1", "**", valid_from=AT)).is_allowed
        assert not decide(rule("user:1", "**", valid_until=AT)).is_allowed


class TestAPolicy:
    def test_decides_the_same_in_any_order_of_its_rules(self):
        rng = random.Random(5)
        for _ in range(50):
            rules, parents = random_rules(rng), random_parents(rng)
            shuffled = rng.sample(rules, len(rules))
            for _ in range(20):
                request = random_request(rng)
                decisions = {
                    CompiledPolicy(rules=each, parents=parents, version=1).decide(
                        subject=request.subject,
                        roles=request.roles,
                        object_path=request.object,
                        action=request.action,
                        attributes=request.attributes,
                        at=request.at,
                    )
                    for each in (rules, shuffled)
                }
                assert len(decisions) == 1

    def test_with_a_mistake_is_none(self):
        with pytest.raises(RuleInvalid):
            CompiledPolicy(rules=[rule("user:1", "a*")], parents={}, version=1)
        with pytest.raises(RuleInvalid):
            CompiledPolicy(rules=[rule("user:1", "a", conditions=[{"name": "typo"}])], parents={}, version=1)

    @pytest.mark.parametrize(
        "parents",
        [
            {"a": ["a"]},
            {"a": ["b"], "b": ["c"], "c": ["a"]},
            {"a": ["nobody"]},
            {f"r{number}": [f"r{number + 1}"] if number < 10 else [] for number in range(11)},
        ],
    )
    def test_with_roles_that_do_not_fit_is_none(self, parents):
        with pytest.raises(RolesInvalid):
            CompiledPolicy(rules=[], parents=parents, version=1)

    @pytest.mark.parametrize("first", [0, 9])
    def test_has_chains_of_ten_roles(self, first):
        """Casbin answers no beyond ten, without a word; here the eleventh role can't be made."""
        names = [f"r{number}" for number in range(10)]
        order = names if first == 0 else list(reversed(names))
        parents = {name: [f"r{int(name[1:]) + 1}"] if name != "r9" else [] for name in order}
        assert decide(rule("role:r9", "**"), roles={"r0"}, parents=parents).is_allowed
