"""Where approvers are demanded, nothing but an approved draft changes rules and roles; exceptions are recorded."""

from datetime import timedelta

import pytest

from accounts.access import selectors
from accounts.access.errors import ApprovalRequired
from accounts.access.known_permissions import BREAK_GLASS
from accounts.access.models import PolicyVersion, RoleGrant
from accounts.access.services import active_policy
from accounts.access.services.policy_changes import policy_change
from accounts.access.services.policy_restoring import rollback
from accounts.access.types import Author
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada():
    return Author(str(UserFactory(username="ada").pk), "ada")


@pytest.fixture
def two_approvers(settings):
    settings.ACCESS = {**settings.ACCESS, "APPROVERS": 2}


@pytest.mark.attack("NIST SP 800-53, AC-5")
class TestWhereApproversAreNeeded:
    def test_nothing_else_changes_rules_and_roles(self, two_approvers, ada, now, events):
        first = selectors.head().version
        with pytest.raises(ApprovalRequired), policy_change(author=ada, reason="x", now=now) as writer:
            writer.put_role("reader", {})
        with policy_change(author=Author(), reason="at the machine", now=now) as writer:
            writer.put_role("reader", {})
        assert PolicyVersion.objects.get(number=writer.version).changes[-1]["key"] == "command_line"
        assert events("policy.changed_unapproved").get().data["allowed_by"] == "command_line"
        with pytest.raises(ApprovalRequired):
            rollback(number=first, author=ada, reason="x", now=now)
        assert "reader" in selectors.all_roles()

    def test_roles_are_still_granted(self, two_approvers, ada, now):
        with policy_change(author=ada, reason="x", now=now) as writer:
            writer.grant("user:7", "admin")
        assert selectors.roles_at(subject="user:7", at=now) == {"admin"}

    def test_break_glass_changes_them_while_it_lasts_and_the_version_says_so(self, two_approvers, ada, now):
        RoleGrant.objects.create(
            subject=f"user:{ada.id}", role=BREAK_GLASS, expires_at=now + timedelta(minutes=5), granted_at=now
        )
        with policy_change(author=ada, reason="x", now=now) as writer:
            writer.put_role("reader", {})
        assert PolicyVersion.objects.get(number=writer.version).changes[-1]["key"] == BREAK_GLASS
        later = now + timedelta(minutes=5)
        with pytest.raises(ApprovalRequired), policy_change(author=ada, reason="x", now=later) as writer:
            writer.put_role("writer", {})
        active_policy.refresh()
