"""A draft evaluated beside the policy in force: no decision changes, and its cost and its time are bounded."""

from datetime import timedelta

import pytest

from accounts.access.errors import DraftNotFound, ShadowInUse, StaleDraft
from accounts.access.models import PolicyDraft, PolicyHead, ShadowRun
from accounts.access.services import active_policy
from accounts.access.services.decisions import decide
from accounts.access.services.drafts import approving, editing
from accounts.access.services.policy_changes import policy_change
from accounts.access.services.records import observing
from accounts.access.services.shadow import comparison, figures, running, switching
from accounts.access.types import Author, Question, SubjectFacts

pytestmark = pytest.mark.django_db
AUTHOR = Author("1", "ada")
HOUR = timedelta(hours=1)
READ = {"subject": "role:reader", "object": "documents/*", "action": "read", "effect": "allow"}
READER = SubjectFacts("user:7", frozenset({"reader"}), {"department": "sales"})


@pytest.fixture(autouse=True)
def nothing_found():
    yield
    comparison.take()
    observing.take()
    running.follow(None)


@pytest.fixture
def draft(now):
    with policy_change(author=AUTHOR, reason="x", now=now) as writer:
        writer.put_role("reader", {})
    return editing.create(changes=[{"op": "add", "rule": READ}], base_version=None, author=AUTHOR, reason="x", now=now)


@pytest.fixture
def run(draft, now):
    started = switching.start(draft_id=draft.pk, duration=HOUR, author=AUTHOR, now=now)
    active_policy.refresh()
    return started


def ask(now, path="documents/1", action="read"):
    return decide(READER, Question(path, action, {"resource": {"title": "Layoffs"}}), at=now)


def test_counts_differences_and_changes_no_decision(run, now):
    assert not ask(now).is_allowed
    assert not ask(now, action="write").is_allowed

    assert figures.write()

    run.refresh_from_db()
    assert (run.evaluated, run.differences, run.skipped) == (2, 1, 0)
    (example,) = run.examples
    assert (example["subject"], example["object"], example["before"], example["after"]) == (
        "user:7",
        "documents/1",
        False,
        True,
    )
    assert "Layoffs" not in str(example)  # no rule reads it
    assert not figures.write()


def test_sums_the_figures_of_all_processes(run, now):
    for process in range(3):
        ask(now, path=f"documents/{process}")
        figures.write()
    run.refresh_from_db()
    assert (run.evaluated, run.differences, len(run.examples)) == (3, 3, 1)  # one kind of request


def test_ends_by_itself(run, now):
    ask(now + HOUR - timedelta(seconds=1))
    ask(now + HOUR)
    figures.write()
    run.refresh_from_db()
    assert run.evaluated == 1
    assert switching.run_of(run.draft, now=now + HOUR) == (run, False)


def test_ends_when_rules_change_and_not_by_a_grant(run, draft, now):
    with policy_change(author=AUTHOR, reason="x", now=now) as writer:
        writer.grant("user:7", "reader")
    active_policy.refresh()
    assert running.current() is not None
    with policy_change(author=AUTHOR, reason="x", now=now) as writer:
        writer.put_role("writer", {})
    active_policy.refresh()
    assert running.current() is None
    with pytest.raises(StaleDraft):
        switching.start(draft_id=draft.pk, duration=HOUR, author=AUTHOR, now=now)


@pytest.mark.parametrize("way", ["stopped", "changed", "deleted", "applied"])
def test_ends_with_the_draft(run, draft, now, way):
    if way == "stopped":
        switching.stop(draft_id=draft.pk, author=AUTHOR, now=now)
    elif way == "changed":
        editing.change(draft_id=draft.pk, changes=None, reason="y", versions=None, author=AUTHOR, now=now)
    elif way == "deleted":
        editing.delete(draft_id=draft.pk, versions=None, author=AUTHOR, now=now)
    else:
        approving.apply(draft_id=draft.pk, versions=None, by=AUTHOR, now=now)
    active_policy.refresh()

    assert running.current() is None
    assert PolicyHead.objects.get().shadow_id is None
    ask(now)
    assert comparison.take() == {}


def test_is_of_one_draft_at_a_time_until_it_ends(run, now):
    other = editing.create(
        changes=[{"op": "add", "role": "writer", "definition": {}}],
        base_version=None,
        author=AUTHOR,
        reason="x",
        now=now,
    )
    with pytest.raises(ShadowInUse):
        switching.start(draft_id=other.pk, duration=HOUR, author=AUTHOR, now=now)
    assert switching.start(draft_id=other.pk, duration=HOUR, author=AUTHOR, now=now + HOUR)
    with pytest.raises(DraftNotFound):
        switching.start(draft_id=PolicyDraft().pk, duration=HOUR, author=AUTHOR, now=now)


def test_is_at_most_a_day_long(draft, now):
    started = switching.start(draft_id=draft.pk, duration=timedelta(days=9), author=AUTHOR, now=now)
    assert started.ends_at == now + switching.LONGEST


def test_takes_only_its_share_of_the_time(run, now, monkeypatch):
    monkeypatch.setattr(comparison, "SHARE", 0)
    for _ in range(50):
        ask(now)
    figures.write()
    run.refresh_from_db()
    # The first of each second is evaluated: only then it is known what it takes.
    assert run.evaluated + run.skipped == 50
    assert run.skipped > 25


def test_that_fails_to_be_stored_is_kept(run, now):
    ask(now)
    taken = comparison.take()
    comparison.put_back(taken)
    ask(now)
    figures.write()
    run.refresh_from_db()
    assert run.evaluated == 2


def test_of_a_draft_that_is_gone_is_dropped(run, now):
    ask(now)
    ShadowRun.objects.all().delete()
    assert figures.write()
    assert not figures.write()


def test_of_a_draft_that_cannot_be_compiled_harms_nobody(run, draft, now):
    PolicyDraft.objects.filter(pk=draft.pk).update(changes=[{"op": "remove", "role": "gone"}])
    running.follow(None)
    active_policy.refresh()
    assert running.current() is None
    assert not ask(now).is_allowed
