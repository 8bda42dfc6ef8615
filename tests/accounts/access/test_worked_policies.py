"""The policies of docs/worked-policies.md pass their own tests, and would be accepted."""

import re
from contextlib import suppress
from datetime import UTC, datetime

import pytest

from accounts.access.errors import RuleExists
from accounts.access.policy_files import documents
from accounts.access.services import policy_file_tests
from accounts.access.services.policy_changes import policy_change
from accounts.access.types import Author
from tests.architecture.source import ROOT

PAGE = (ROOT / "docs" / "worked-policies.md").read_text(encoding="utf-8")
POLICIES = dict(re.findall(r"^## (.*?)\n.*?^```yaml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE))


def test_there_are_six():
    assert len(POLICIES) == PAGE.count("```yaml") == 6


@pytest.mark.parametrize("name", POLICIES)
@pytest.mark.parametrize("hour", [3, 12])
def test_they_pass_their_own_tests(name, hour):
    file = documents.parse(POLICIES[name].encode())
    results = policy_file_tests.run(file, now=datetime(2026, 3, 4, hour, tzinfo=UTC))

    assert {result.test.effect for result in results} == {"allow", "deny"}
    assert [(result.test.number, result.rule) for result in results if not result.is_passed] == []


@pytest.mark.django_db
def test_they_can_be_stored_together(now):
    with policy_change(author=Author(), reason="all six", now=now) as writer:
        for text in POLICIES.values():
            file = documents.parse(text.encode())
            for role, document in sorted(file.roles.items(), key=lambda item: len(item[1]["parents"])):
                writer.put_role(role, {**document, "separation_of_duty": []})
            for role, document in file.roles.items():
                writer.put_role(role, document)
            for rule in file.rules:
                # A new installation has one of the auditors' rules already.
                with suppress(RuleExists):
                    writer.add_rule(rule.document)

    assert len(writer.changes) > 20
