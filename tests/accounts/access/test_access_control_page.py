"""What docs/access-control.md says is so: its file, its call, its commands, and the conditions that it lists."""

import json
import re
import shlex
from datetime import UTC, datetime
from io import StringIO

import pytest
from django.core.management import call_command

from accounts.access import rule_documents, selectors
from accounts.access.deciding.conditions import CONDITION_TYPES
from accounts.access.policy_files import documents
from accounts.access.services import idempotency, policy_changes, policy_file_tests
from accounts.access.services.policy_changes import policy_change
from accounts.access.types import Author
from accounts.services.administration import policy_events
from tests.architecture.source import ROOT

PAGE = (ROOT / "docs" / "access-control.md").read_text(encoding="utf-8")


def block(language):
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    return found


def test_its_file_passes_its_own_tests():
    file = documents.parse(block("yaml").encode())
    # At night, so that no test passes only because of the hour.
    results = policy_file_tests.run(file, now=datetime(2026, 3, 1, 3, 0, tzinfo=UTC))
    assert len(results) == 5
    assert [result.test.number for result in results if not result.is_passed] == []
    assert results[-1].rule == "rules[4]"


def test_it_lists_the_members_and_the_conditions():
    members = [name for row in re.findall(r"^\| ((?:`\w+`,? ?)+) \|", PAGE, re.MULTILINE) for name in row.split(", ")]
    assert {f"`{name}`" for name in rule_documents.MEMBERS} <= {name.strip() for name in members}
    listed = dict(re.findall(r"^\| `(\w+)` \| ((?:`\w+`(?:, )?)+) \| ", PAGE, re.MULTILINE))
    assert {name: set(re.findall(r"\w+", arguments)) for name, arguments in listed.items()} == {
        name: set(kind.parameters) for name, kind in CONDITION_TYPES.items()
    }


def test_its_bounds_are_those_of_the_code():
    for number in (
        policy_changes.MOST_RULES,
        policy_changes.MOST_ROLES,
        policy_events.MOST_EVENTS,
        idempotency.MOST_OF_A_CALLER,
    ):
        assert f" {number:,} " in PAGE.replace("\n", " ")


@pytest.mark.django_db
def test_its_call_is_a_rule(now):
    body = json.loads(block("http").partition("\n\n")[2])
    with policy_change(author=Author(), reason=body.pop("reason"), now=now) as writer:
        writer.put_role("editor", {})
        assert writer.add_rule(body).subject == "role:editor"


@pytest.mark.django_db
def test_its_commands_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    commands = [shlex.split(line)[1:] for line in block("console").splitlines()]
    number = str(selectors.head().version)
    said = []
    for arguments in commands:
        output = StringIO()
        call_command(*[number if word == "7" else word for word in arguments], stdout=output)
        said.append(output.getvalue().strip())
    assert [arguments[1] for arguments in commands] == ["export", "test", "import", "import", "rollback"]
    assert said[1] == "All tests passed: 0."
    assert said[2] == said[3] == "The file says what is stored: nothing changes."
