"""What a draft would change: by proof, by the recorded past, and within bounds for hostile drafts."""

import time
from datetime import timedelta

import pytest

from accounts.access.draft_changes import PolicyDocuments
from accounts.access.impact.differences import Profile
from accounts.access.models import DecisionRecord
from accounts.access.services import active_policy
from accounts.access.services.decisions import decide
from accounts.access.services.impact import history, proof
from accounts.access.services.policy_changes import policy_change
from accounts.access.services.records import observing, writing
from accounts.access.types import Author, Question, SubjectFacts

pytestmark = pytest.mark.django_db
AUTHOR = Author("1", "ada")
MEMBERS = {
    "department": "",
    "location": "",
    "hours": None,
    "conditions": [],
    "valid_from": None,
    "valid_until": None,
    "note": "",
}
ROLE = {"description": "", "parents": [], "separation_of_duty": []}


def rule(subject="role:reader", path="documents/*", action="read", effect="allow", **members):
    return {"subject": subject, "object": path, "action": action, "effect": effect, **MEMBERS, **members}


def policy(*rules, **roles):
    return PolicyDocuments({f"r{number}": each for number, each in enumerate(rules)}, {"reader": ROLE, **roles})


def equals(name):
    return {"name": "equals", "arguments": {"attribute": f"resource.{name}", "value": "x"}}


class TestAProof:
    def test_names_a_role_and_no_person(self, now):
        found = proof.prove(policy(), policy(rule()), now=now)
        (example,) = found.examples
        assert (found.gains, found.losses, found.is_exact) == (1, 0, True)
        assert (proof.name_of(example.profile), example.object, example.action) == (
            "role:reader",
            "documents/other",
            "read",
        )

    def test_sees_what_only_people_with_both_roles_lose(self, now):
        """Whoever denies guests what readers may takes it from those who are both: there are such people."""
        roles = {"guest": ROLE}
        before = policy(rule(), **roles)
        after = policy(rule(), rule("role:guest", effect="deny"), **roles)
        assert proof.prove(before, after, now=now).losses == 0
        with policy_change(author=AUTHOR, reason="x", now=now) as writer:
            for name in ("reader", "guest"):
                writer.put_role(name, {})
                writer.grant("user:7", name)

        found = proof.prove(before, after, now=now)

        assert (found.losses, proof.name_of(found.examples[0].profile)) == (1, "role:guest+role:reader")

    def test_gives_those_whom_a_rule_names_their_roles(self, now):
        with policy_change(author=AUTHOR, reason="x", now=now) as writer:
            writer.put_role("reader", {})
            writer.grant("user:7", "reader")
        denied = rule("user:7", effect="deny")
        found = proof.prove(policy(rule()), policy(rule(), denied), now=now)
        assert [each.profile for each in found.examples] == [Profile("user:7", frozenset({"reader"}))]

    def test_shows_losses_beside_many_gains(self, now):
        rules = [rule(path=f"documents/{number}") for number in range(40)]
        found = proof.prove(policy(rule(path="gone")), policy(*rules), now=now)
        assert (found.gains, found.losses, len(found.examples)) == (40, 1, proof.MOST_EXAMPLES)
        assert [each.is_gain for each in found.examples].count(False) == 1

    @pytest.mark.attack("CWE-407")
    @pytest.mark.parametrize(
        "rules",
        [
            # Each set of these patterns is a class of objects of its own.
            [rule(path="/".join("a" if bit == number else "*" for bit in range(20))) for number in range(20)],
            [rule(path="**", conditions=[equals(f"n{number}") for number in range(10)])] * 2,
            [rule(path="**", action=f"do{number}", conditions=[equals(f"n{number}")]) for number in range(300)],
            [rule(path="**", conditions=[equals(f"n{number}_{each}") for each in range(10)]) for number in range(50)],
            [
                rule(
                    path="**",
                    hours={"weekdays": ["mon"], "from": f"{hour:02}:{minute:02}", "until": "23:59", "time_zone": zone},
                    valid_from=f"2026-{month:02}-01T00:00:00Z",
                )
                for hour in range(0, 20, 4)
                for minute in range(0, 60, 20)
                for month in range(1, 12, 2)
                for zone in ("Europe/Madrid", "America/New_York", "Asia/Tehran")
            ],
            [
                rule(
                    path="**",
                    conditions=[
                        {"name": "same", "arguments": {"left": f"resource.a{number}", "right": f"resource.b{each}"}}
                        for each in range(10)
                    ],
                )
                for number in range(50)
            ],
            [
                rule(
                    path="**",
                    conditions=[
                        {"name": "network", "arguments": {"networks": [f"10.{a}.{b}.0/24" for b in range(250)]}}
                    ],
                )
                for a in range(20)
            ],
        ],
        ids=["patterns", "conditions", "actions", "attributes", "hours", "pairs", "networks"],
    )
    def test_of_a_hostile_draft_ends_and_says_at_least(self, rules, now):
        began = time.process_time()
        found = proof.prove(policy(), policy(*rules), now=now, most_work=20_000)
        spent = time.process_time() - began
        assert not found.is_exact or found.gains
        assert spent < 10  # a bound, not a measurement: it would take hours


class TestHistory:
    @pytest.fixture(autouse=True)
    def nothing_noted(self, settings):
        settings.ACCESS = {**settings.ACCESS, "RECORD_ONE_IN": 1}
        observing.take()
        yield
        observing.take()

    @pytest.fixture
    def reading(self, now):
        """Rules in force, and a function that lets somebody ask."""
        with policy_change(author=AUTHOR, reason="x", now=now) as writer:
            writer.put_role("reader", {})
            for each in (rule(), rule(path="secrets/*", effect="deny"), rule(path="secrets/**")):
                writer.add_rule(each)
        active_policy.refresh()

        def ask(path, **resource):
            facts = SubjectFacts("user:7", frozenset({"reader"}))
            return decide(facts, Question(path, "read", {"resource": resource}), at=now)

        return ask

    @pytest.fixture
    def present(self, reading):
        from accounts.access.services.drafts import editing

        return editing.present_documents()

    def changed(self, present, **members):
        """The policy with one further rule."""
        return PolicyDocuments({**present.rules, "new": rule(**members)}, present.roles)

    def test_says_which_requests_of_the_past_would_change(self, reading, present, now):
        reading("documents/1")
        reading("secrets/1")
        writing.write(now=now)

        found = history.compare(present, self.changed(present, effect="deny"), since=now)

        assert (found.evaluated, found.changed, found.undecided, found.is_complete) == (2, 1, 0, True)
        (example,) = found.examples
        assert (example.record.object, example.before.is_allowed, example.after.is_allowed) == (
            "documents/1",
            True,
            False,
        )
        assert example.after.rule == "new"
        assert history.compare(present, present, since=now).changed == 0

    def test_leaves_out_what_is_older(self, reading, present, now):
        reading("documents/1")
        writing.write(now=now)
        later = now + timedelta(seconds=1)
        assert history.compare(present, self.changed(present, effect="deny"), since=later).evaluated == 0

    def test_does_not_guess_what_was_not_recorded(self, reading, present, now):
        """No rule of the time read the owner, so it was not recorded, and a new rule that reads it can't be tried."""
        owner = {"name": "equals", "arguments": {"attribute": "resource.owner", "value": "7"}}
        reading("documents/1", owner="7")  # would be denied
        reading("secrets/1", owner="7")  # is denied anyway
        writing.write(now=now)

        found = history.compare(present, self.changed(present, path="**", effect="deny", conditions=[owner]), since=now)

        assert (found.evaluated, found.changed, found.undecided) == (1, 0, 1)

    def test_looks_at_the_newest_ones_only(self, reading, present, now, monkeypatch):
        monkeypatch.setattr(history, "MOST_RECORDS", 3)
        for number in range(5):
            reading(f"keys/{number}")
        writing.write(now=now)
        assert DecisionRecord.objects.count() == 5
        found = history.compare(present, present, since=now)
        assert (found.evaluated, found.is_complete) == (3, False)
