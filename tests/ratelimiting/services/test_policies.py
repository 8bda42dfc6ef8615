"""Changes of stored policies: a version each, and none is lost."""

import threading
import uuid

import pytest
from django.db import connection
from django.utils import timezone

from ratelimiting import signals
from ratelimiting.errors import PolicyChanged, PolicyInvalid, PolicyNameTaken, PolicyNotFound, VersionNotFound
from ratelimiting.models import PolicyVersion, RateLimitPolicy
from ratelimiting.services import active_policies, policies
from security_events.models import SecurityEvent
from tests.ratelimiting.policy_documents import BOSS, document

pytestmark = pytest.mark.django_db


def create(**members):
    return policies.create(document=document(**members), author=BOSS, reason="because", now=timezone.now())


def change(row, *, versions=None, **members):
    return policies.change(
        policy_id=row.pk, document=members, versions=versions, author=BOSS, reason="because", now=timezone.now()
    )


def names():
    return {row.name: row.limit for row in RateLimitPolicy.objects.all()}


class TestCreate:
    def test_stores_a_policy_and_a_version(self, now):
        row = policies.create(document=document(), author=BOSS, reason="flood", now=now)

        version = PolicyVersion.objects.get()
        assert (version.number, version.change, version.policy) == (1, "created", "some")
        assert (version.author, version.reason, version.created_at) == ("boss", "flood", now)
        assert version.snapshot == [{"id": str(row.pk), **row.document()}]
        assert row.version == 1

    def test_refuses_a_name_twice(self):
        create()
        with pytest.raises(PolicyNameTaken):
            create()
        assert PolicyVersion.objects.count() == 1

    def test_refuses_mistakes(self):
        with pytest.raises(PolicyInvalid, match=r"match\.unless: nothing is no policy"):
            create(match={"unless": ["nothing"]})

    def test_is_recorded_with_author_and_reason_in_the_same_transaction(self):
        create()
        event = SecurityEvent.objects.get(type="ratelimit.policy_changed", data__policy="some")
        assert (event.actor_id, event.data["note"], event.data["version"]) == ("1", "because", 1)
        assert event.data["before"] is None
        assert event.data["after"]["limit"] == 2

    def test_is_undone_when_it_can_not_be_recorded(self):
        def fail(**_details):
            raise RuntimeError

        signals.policy_changed.connect(fail)
        try:
            with pytest.raises(RuntimeError):
                create()
        finally:
            signals.policy_changed.disconnect(fail)
        assert names() == {}
        assert not PolicyVersion.objects.exists()


class TestChange:
    def test_changes_what_is_named_alone(self):
        row = change(create(description="D"), limit=7)
        assert (row.limit, row.description, row.version) == (7, "D", 2)

    def test_makes_no_version_of_no_change(self):
        row = create()
        assert change(row, limit=2).version == 1
        assert PolicyVersion.objects.count() == 1

    def test_is_decided_by_the_version_that_was_read(self):
        row = create()
        change(row, versions=frozenset({1}), limit=7)
        with pytest.raises(PolicyChanged):
            change(row, versions=frozenset({1}), limit=8)
        assert names() == {"some": 7}

    def test_needs_a_policy(self):
        with pytest.raises(PolicyNotFound):
            policies.change(
                policy_id=uuid.uuid4(), document={}, versions=None, author=BOSS, reason="r", now=timezone.now()
            )

    def test_refuses_another_one_s_name(self):
        create(name="other")
        with pytest.raises(PolicyNameTaken):
            change(create(), name="other")


class TestDelete:
    def test_lets_the_settings_apply_again(self, settings):
        settings.RATELIMITING = {"POLICIES": [document(limit=1)]}
        row = create(limit=9)
        active_policies.refresh()
        assert active_policies.current().policies["some"].limit == 9

        policies.delete(policy_id=row.pk, versions=frozenset({1}), author=BOSS, reason="r", now=timezone.now())
        active_policies.refresh()
        assert active_policies.current().policies["some"].limit == 1

    def test_is_decided_by_version(self):
        row = create()
        change(row, limit=7)
        with pytest.raises(PolicyChanged):
            policies.delete(policy_id=row.pk, versions=frozenset({1}), author=BOSS, reason="r", now=timezone.now())


class TestRollback:
    def test_restores_all_rows_as_a_new_version(self):
        kept, gone = create(name="kept"), create(name="gone")
        change(kept, limit=50)
        policies.delete(policy_id=gone.pk, versions=None, author=BOSS, reason="r", now=timezone.now())
        create(name="new")

        version = policies.rollback(number=2, author=BOSS, reason="worse", now=timezone.now())

        assert names() == {"kept": 2, "gone": 2}
        assert (version.number, version.change, version.reason) == (6, "rolled_back", "worse")
        assert RateLimitPolicy.objects.get(name="gone").pk == gone.pk
        # An ETag from before names nothing that is there now.
        assert {row.version for row in RateLimitPolicy.objects.all()} == {6}

    def test_to_the_beginning_leaves_none(self):
        create()
        policies.rollback(number=0, author=BOSS, reason="r", now=timezone.now())
        assert names() == {}

    def test_needs_a_version_that_there_was(self):
        create()
        for number in (7, -1):
            with pytest.raises(VersionNotFound):
                policies.rollback(number=number, author=BOSS, reason="r", now=timezone.now())

    def test_refuses_to_bring_back_a_route_that_has_disappeared_and_keeps_others(self, settings):
        row = create(name="outdated", match={"routes": ["login"]})
        kept = create(name="kept", match={"routes": ["logout"]})
        change(row, match={"routes": []})
        settings.ROOT_URLCONF = "tests.ratelimiting.one_route"
        settings.RATELIMITING = {**settings.RATELIMITING, "POLICIES": []}

        with pytest.raises(PolicyInvalid, match="login is no route"):
            policies.rollback(number=1, author=BOSS, reason="r", now=timezone.now())
        policies.delete(policy_id=row.pk, versions=None, author=BOSS, reason="r", now=timezone.now())
        policies.rollback(number=3, author=BOSS, reason="r", now=timezone.now())

        assert dict(RateLimitPolicy.objects.values_list("name", "routes")) == {
            "outdated": [],
            kept.name: ["logout"],
        }

    def test_is_decided_by_the_present_version(self):
        row = create()
        change(row, limit=5)
        with pytest.raises(PolicyChanged):
            policies.rollback(number=0, versions=frozenset({1}), author=BOSS, reason="r", now=timezone.now())


@pytest.mark.django_db(transaction=True)
class TestAtTheSameTime:
    def run(self, *actions):
        outcomes, start = [], threading.Barrier(len(actions))

        def act(action):
            try:
                start.wait()
                outcomes.append(action())
            except PolicyChanged as error:
                outcomes.append(error)
            finally:
                connection.close()

        threads = [threading.Thread(target=act, args=(action,)) for action in actions]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return outcomes

    def test_one_of_two_edits_of_one_version_wins(self):
        row = create()
        outcomes = self.run(
            *(lambda limit=limit: change(row, versions=frozenset({1}), limit=limit) for limit in range(10, 18))
        )
        won = [outcome for outcome in outcomes if isinstance(outcome, RateLimitPolicy)]
        assert len(won) == 1
        assert names() == {"some": won[0].limit}
        assert PolicyVersion.objects.count() == 2

    def test_edits_of_different_policies_are_all_kept_one_after_the_other(self):
        self.run(*(lambda number=number: create(name=f"p{number}") for number in range(8)))
        assert len(names()) == 8
        latest = PolicyVersion.objects.order_by("-number").first()
        assert latest.number == 8
        assert len(latest.snapshot) == 8
