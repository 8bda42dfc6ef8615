"""A policy that is changed rule by rule is the one that is compiled anew, and it is made without reading all rules."""

import random

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.access import selectors
from accounts.access.deciding.index import CompiledPolicy
from accounts.access.errors import RolesInvalid, RuleExists, RuleInvalid
from accounts.access.models import PolicyHead, PolicyRule, PolicyVersion
from accounts.access.services import active_policy
from accounts.access.services.compiling import compile_policy
from accounts.access.services.policy_changes import policy_change
from cedrina_base.uuids import uuid7
from tests.accounts.access.policies import random_parents, random_request, random_rule, random_rules
from tests.accounts.access.random_documents import AUTHOR, random_rule_document, store_roles
from tests.accounts.access.test_equal_engines import decide

READ = {"subject": "role:admin", "object": "documents/*", "action": "read", "effect": "allow"}


@pytest.mark.parametrize("seed", range(4))
def test_decides_as_one_that_is_compiled_anew(seed):
    rng = random.Random(seed)
    for _ in range(25):
        parents = random_parents(rng)
        policy = first = CompiledPolicy(rules=random_rules(rng), parents=parents, version=1)
        asked = [random_request(rng) for _ in range(30)]
        before = [decide(first, request) for request in asked]
        for version in range(2, 8):
            changes = {rule_id: some_rule(rng, rule_id) for rule_id in rng.sample(IDS, rng.randint(0, 4))}
            other = random_parents(rng) if rng.random() < 0.3 else None
            parents = other or parents
            rules = {rule.id: rule for rule in policy.rules} | changes
            policy = policy.changed(changes, parents=other, version=version)
            anew = CompiledPolicy(
                rules=[rule for rule in rules.values() if rule is not None], parents=parents, version=version
            )
            assert (policy.rules, policy.inherited) == (anew.rules, anew.inherited)
            # The rule that is named, and the version, too.
            assert [decide(policy, request) for request in asked] == [decide(anew, request) for request in asked]
        assert [decide(first, request) for request in asked] == before  # others still decide by it


IDS = [f"rule-{number}" for number in range(14)]


def some_rule(rng, rule_id):
    return random_rule(rng, rule_id) if rng.random() < 0.6 else None


def test_keeps_nothing_of_rules_that_are_gone():
    rule = random_rule(random.Random(1), "rule-1")
    empty = CompiledPolicy(rules=[], parents={}, version=1)
    policy = empty.changed({rule.id: rule}, version=2).changed({rule.id: None}, version=3)
    assert policy._trees == empty._trees


def test_refuses_a_mistake(policy):
    compiled = CompiledPolicy(rules=[], parents={}, version=1)
    rule = random_rule(random.Random(1), "rule-1")
    with pytest.raises(RuleInvalid):
        compiled.changed({"a": type(rule)("a", "user:1", "a/**/b", "read", rule.effect)}, version=2)
    with pytest.raises(RolesInvalid):
        compiled.changed({}, parents={"one": ["two"], "two": ["one"]}, version=2)


def change(now):
    return policy_change(author=AUTHOR, reason="because", now=now)


def is_as_stored():
    """Return whether the policy in force is that of the rows, compiled anew."""
    known, head = active_policy.current(), selectors.head()
    anew = compile_policy(rules=selectors.all_rules(), roles=selectors.all_roles(), version=head.version)
    return (known.rules, known.inherited, known.version) == (anew.rules, anew.inherited, anew.version)


@pytest.mark.django_db(transaction=True)
class TestStored:
    @pytest.fixture(autouse=True)
    def _forgotten(self, policy):
        active_policy.refresh()

    def test_random_changes_leave_the_policy_of_the_rows_in_force(self, now):
        rng = random.Random(3)
        for _ in range(15):
            with change(now) as writer:
                store_roles(writer, rng)
                kept = {document_key(each): each for each in (random_rule_document(rng) for _ in range(3))}
                for document in kept.values():
                    if not PolicyRule.objects.filter(object=document["object"], subject=document["subject"]).exists():
                        writer.add_rule(document)
                for row in PolicyRule.objects.exclude(subject="role:admin").order_by("pk")[: rng.randint(0, 2)]:
                    if rng.random() < 0.5:
                        writer.remove_rule(row.pk)
                    else:
                        writer.change_rule(row.pk, {"note": str(rng.random()), "action": rng.choice(("read", "*"))})
            assert is_as_stored()

    def test_one_rule_is_changed_without_reading_the_others(self, now):
        with CaptureQueriesContext(connection) as queries, change(now) as writer:
            writer.add_rule(READ)
        reads = [each["sql"] for each in queries if "FROM" in each["sql"] and "access_policyrule" in each["sql"]]
        assert reads
        assert all("WHERE" in each or "COUNT(" in each for each in reads)
        assert is_as_stored()

    def test_another_process_follows_changes_without_reading_all_rules(self, now):
        known = active_policy._state.compared
        with change(now) as writer:
            store_roles(writer, random.Random(4))
            writer.add_rule({**READ, "subject": "role:boss"})
        with change(now) as writer:
            row = writer.add_rule(READ)
        with change(now) as writer:
            writer.grant("user:7", "boss")
        with change(now) as writer:
            writer.change_rule(row.pk, {"action": "write"})
        active_policy._state.compared = known  # what a process knows that was told of none of these

        with CaptureQueriesContext(connection) as queries:
            active_policy.refresh()
        assert not any("access_policyrule" in each["sql"] for each in queries)
        assert is_as_stored()

    @pytest.mark.parametrize("what", ["rules_id", "gap", "content"])
    def test_another_process_reads_all_where_changes_do_not_lead_to_the_rules(self, now, what):
        known = active_policy._state.compared
        with change(now) as writer:
            writer.add_rule(READ)
        if what == "rules_id":
            PolicyRule.objects.filter(pk__isnull=False, object="documents/*").update(object="by/hand")
            PolicyHead.objects.update(rules_id=uuid7())
        elif what == "gap":
            PolicyVersion.objects.filter(number=writer.version).delete()
        else:
            PolicyVersion.objects.filter(number=writer.version).update(
                changes=[{"kind": "rule", "key": "a", "before": None, "after": {**READ, "effect": "maybe"}}]
            )
        active_policy._state.compared = known
        active_policy.refresh()
        assert is_as_stored()

    def test_what_was_added_by_hand_is_read(self, now):
        with change(now) as writer:
            row = writer.add_rule(READ)
        row.pk, row.object, row.digest = None, "by/hand", b"by hand"
        row.pk = "0190b5a0-0000-7000-8000-000000000001"
        row.save(force_insert=True)
        assert not is_as_stored()  # nobody was told

        with change(now) as writer:
            writer.add_rule({**READ, "object": "another"})
        assert is_as_stored()

    def test_a_change_that_is_rolled_back_is_not_in_force(self, now):
        def fail():
            with change(now) as writer:
                writer.add_rule(READ)
                writer.add_rule(READ)

        before = active_policy.current()
        with pytest.raises(RuleExists):
            fail()
        assert active_policy.current() is before
        assert is_as_stored()


def document_key(document):
    return document["subject"], document["object"]
