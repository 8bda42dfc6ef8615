"""Several people work on one draft in the same moment: one version is made of it, and of what was approved only."""

import threading

import pytest
from django.db import connection

from accounts.access.errors import AccessError, ApprovalMissing, StaleDraft, VersionMismatch
from accounts.access.models import DraftApproval, PolicyDraft, PolicyVersion
from accounts.access.services.drafts import approving, editing
from accounts.access.types import Author
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db(transaction=True)
ROLE = {"op": "add", "role": "reader", "definition": {}}
WORSE = {"op": "add", "rule": {"subject": "role:admin", "object": "x/**", "action": "*", "effect": "allow"}}
ROUNDS = 6


def at_once(*calls):
    """Run functions in threads that begin together; return what each returned or raised."""
    barrier, found = threading.Barrier(len(calls)), [None] * len(calls)

    def run(number, call):
        try:
            barrier.wait()
            found[number] = call()
        except AccessError as error:
            found[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=each) for each in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


@pytest.fixture
def ada():
    return Author(str(UserFactory(username="ada").pk), "ada")


@pytest.fixture
def grace():
    return Author(str(UserFactory(username="grace").pk), "grace")


def create(author, now):
    return editing.create(changes=[ROLE], base_version=None, author=author, reason="x", now=now)


def test_a_draft_is_applied_once(ada, grace, now):
    draft = create(ada, now)

    def apply():
        return approving.apply(draft_id=draft.pk, versions={1}, by=grace, now=now)

    found = at_once(*[apply] * 5)

    assert sum(isinstance(each, PolicyDraft) for each in found) == 1
    assert sum(isinstance(each, StaleDraft) for each in found) == 4
    assert PolicyVersion.objects.filter(author_id=ada.id).count() == 1


@pytest.mark.attack("CWE-367")
def test_no_change_is_approved_that_nobody_saw(ada, grace, now, settings):
    """The author exchanges the draft in the moment in which it is approved, and applies it at once."""
    settings.ACCESS = {**settings.ACCESS, "APPROVERS": 1}
    for _ in range(ROUNDS):
        draft = create(ada, now)

        def approve(draft=draft):
            return approving.approve(draft_id=draft.pk, versions={1}, approver=grace, now=now)

        def exchange(draft=draft):
            return editing.change(
                draft_id=draft.pk, changes=[ROLE, WORSE], reason=None, versions=None, author=ada, now=now
            )

        approved, _changed = at_once(approve, exchange)
        assert isinstance(approved, PolicyDraft | VersionMismatch)
        assert not DraftApproval.objects.filter(draft=draft).exists()
        with pytest.raises(ApprovalMissing):
            approving.apply(draft_id=draft.pk, versions=None, by=ada, now=now)
        draft.delete()
