"""Rules and roles come back as they were; who has which role stays."""

import pytest

from accounts.access import selectors
from accounts.access.errors import VersionNotFound
from accounts.access.models import PolicyVersion
from accounts.access.services.policy_changes import policy_change
from accounts.access.services.policy_restoring import rollback
from accounts.access.types import Author

pytestmark = pytest.mark.django_db
AUTHOR = Author("1", "ada")
READ = {"subject": "role:reader", "object": "documents/*", "action": "read", "effect": "allow"}


@pytest.fixture
def change(now):
    def begin(reason="because"):
        return policy_change(author=AUTHOR, reason=reason, now=now)

    return begin


def test_rolls_back_rules_and_roles_but_no_grants(change, now):
    with change() as writer:
        writer.put_role("reader", {"description": "Reads."})
        first = writer.add_rule(READ)
        second = writer.add_rule({**READ, "action": "list"})
        writer.grant("user:1", "reader")
    wanted = writer.version
    documents = selectors.all_rules(), selectors.all_roles()
    with change() as writer:
        # Two rules swap what they say.
        writer.remove_rule(second.pk)
        writer.change_rule(first.pk, {"action": "list"})
        writer.put_role("writer", {"parents": ["reader"], "separation_of_duty": ["reader"]})
        writer.put_role("reader", {"description": "Other words.", "separation_of_duty": ["writer"]})
        writer.grant("user:2", "reader")

    made = rollback(number=wanted, author=AUTHOR, reason="It was wrong.", now=now)

    assert (selectors.all_rules(), selectors.all_roles()) == documents
    assert [grant.role for grant in selectors.grants_of(subject="user:2")] == ["reader"]
    assert PolicyVersion.objects.get(number=made).restored == wanted
    with pytest.raises(VersionNotFound):
        rollback(number=made + 1, author=AUTHOR, reason="x", now=now)
