"""Tests of a policy file are decided by the rules of the same file."""

from datetime import UTC, datetime

import pytest

from accounts.access.policy_files import documents
from accounts.access.policy_files.documents import PolicyFileInvalid
from accounts.access.services import policy_file_tests

NIGHT = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
FILE = """
roles: {reader: {}, lead: {parents: [reader]}}
rules:
  - {subject: role:reader, object: "a/*", action: read, effect: allow, hours: {weekdays: [mon], from: 09:00,
     until: 17:00, time_zone: UTC}}
  - {subject: "user:7", object: "a/*", action: read, effect: deny, department: Sales}
tests:
"""


def run(*tests):
    file = documents.parse((FILE + "".join(f"  - {test}\n" for test in tests)).encode())
    return [(each.is_passed, each.rule) for each in policy_file_tests.run(file, now=NIGHT)]


class TestRun:
    def test_decides_for_the_instant_of_the_test_or_for_now(self):
        when = "when: {object: a/1, action: read}"
        assert run(
            f"{{given: {{subject: role:lead, at: 2026-03-02T10:00:00Z}}, {when}, then: allow}}",
            f"{{given: {{subject: role:lead}}, {when}, then: deny}}",
            f"{{given: {{subject: role:lead}}, {when}, then: allow}}",
        ) == [(True, "rules[1]"), (True, ""), (False, "")]

    def test_knows_the_roles_and_attributes_of_the_subject(self):
        given = "roles: [lead], at: 2026-03-02T10:00:00Z"
        when = "when: {object: a/1, action: read}, then: deny"
        assert run(
            f"{{given: {{subject: 'user:7', attributes: {{subject: {{department: Sales}}}}, {given}}}, {when}}}",
            f"{{given: {{subject: 'user:7', attributes: {{subject: {{department: Shop}}}}, {given}}}, {when}}}",
            f"{{given: {{subject: 'user:8', {given}}}, {when}}}",
        ) == [(True, "rules[2]"), (False, "rules[1]"), (False, "rules[1]")]

    def test_knows_permissions(self):
        when = "when: {object: permissions/users:read, action: use}, then: allow"
        assert run(f"{{given: {{subject: 'user:7', roles: ['users:read']}}, {when}}}") == [(True, "users:read")]

    def test_refuses_roles_that_do_not_fit(self):
        with pytest.raises(PolicyFileInvalid) as refusal:
            policy_file_tests.run(documents.parse(b"roles: {a: {parents: [b]}, b: {parents: [a]}}"), now=NIGHT)
        assert "roles." in refusal.value.sentence
