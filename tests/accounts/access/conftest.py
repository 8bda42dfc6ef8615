"""What tests of access control share: a policy that lives as long as a test."""

from dataclasses import dataclass
from datetime import datetime

import pytest

from accounts.access.services import active_policy
from accounts.access.services.policy_changes import policy_change
from accounts.access.types import Author


@dataclass
class StoredPolicy:
    """The policy in the database of a test."""

    now: datetime

    def add(self, *rules, roles=(), grants=()):
        """Store roles (names, or names with their parents), rules, and grants (subject and role)."""
        with policy_change(author=Author(), reason="a test", now=self.now) as writer:
            for role in roles:
                name, parents = role if isinstance(role, tuple) else (role, [])
                writer.put_role(name, {"parents": list(parents)})
            stored = [writer.add_rule(rule) for rule in rules]
            for subject, role in grants:
                writer.grant(subject, role)
        active_policy.refresh()
        return stored

    def allow(self, subject, path, action="read", **members):
        """Store a rule that allows."""
        return self.add({"subject": subject, "object": path, "action": action, "effect": "allow", **members})[0]

    def deny(self, subject, path, action="read", **members):
        """Store a rule that denies."""
        return self.add({"subject": subject, "object": path, "action": action, "effect": "deny", **members})[0]


@pytest.fixture
def policy(db, now):
    """The stored policy, forgotten afterwards."""
    active_policy.forget()
    yield StoredPolicy(now)
    active_policy.forget()
