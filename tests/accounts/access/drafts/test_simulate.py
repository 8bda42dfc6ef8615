"""``policies simulate`` says what a file would change, and changes nothing."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from accounts.access import selectors
from accounts.access.models import DecisionRecord
from accounts.access.services.decisions import decide
from accounts.access.services.records import observing, writing
from accounts.access.types import Question, SubjectFacts

FILE = """
roles:
  admin: {description: May do everything.}
  reader: {}
rules:
  - {subject: "role:admin", object: "**", action: "*", effect: allow}
  - {subject: "role:reader", object: "documents/*", action: list, effect: allow}
"""


def simulate(file, *options):
    out = StringIO()
    call_command("policies", "simulate", str(file), *options, stdout=out)
    return out.getvalue()


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "policy.yaml"
    path.write_text(FILE, encoding="utf-8")
    return path


def test_says_who_gains_and_loses_and_what_would_have_been_decided_otherwise(policy, file):
    policy.add(roles=["reader"])
    policy.allow("role:reader", "documents/*")
    observing.take()
    now = timezone.now()
    facts = SubjectFacts("user:7", frozenset({"reader"}))
    assert decide(facts, Question("documents/1", "read"), at=now).is_allowed
    writing.write(now=now)
    before = selectors.head(), selectors.all_rules()

    found = json.loads(simulate(file, "--json"))
    text = simulate(file, "--since", "1h")

    mine = [each for each in found["examples"] if each["subject"] == "role:reader"]
    assert {(each["action"], each["before"], each["after"]) for each in mine} == {
        ("list", "deny", "allow"),
        ("read", "allow", "deny"),
    }
    assert (found["history"]["evaluated"], found["history"]["changed"]) == (1, 1)
    assert "- user:7 read documents/1" in text
    assert "1 recorded decision was made again, of which 1 would be another one." in text
    assert (selectors.head(), selectors.all_rules()) == before
    DecisionRecord.objects.update(recorded_at=now - timedelta(hours=2))
    assert "0 recorded decisions" in simulate(file, "--since", "1h")


@pytest.mark.parametrize("span", ["", "7", "-1d", "1y", "d", "99999d", "٧d"])
def test_refuses_a_span_that_is_none(policy, file, span):
    with pytest.raises(SystemExit) as end:
        simulate(file, f"--since={span}")
    assert end.value.code == 2
