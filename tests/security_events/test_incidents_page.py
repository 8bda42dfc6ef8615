"""docs/incidents.md: its commands run, its calls are there, and its tables name what there is."""

import re
import shlex

import pytest
from django.core.management import call_command
from django.urls import resolve
from django.utils import timezone

from security_events.catalogue import CATALOGUE
from security_events.models import Incident, RuleVersion
from security_events.selectors.detection.rule_figures import VERDICT_DAYS
from security_events.services.detection import responses, rule_settings
from security_events.types import IncidentStatus, ResponseKind, RuleMode, Verdict
from tests.architecture.source import ROOT
from tests.factories.incidents import open_incident

PAGE = (ROOT / "docs" / "incidents.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^\$ python manage\.py (.+)$", PAGE, re.MULTILINE)
INCIDENT, RESPONSE = "019b8d5a-5000-7a30-9f52-0d6f6b0f8a11", "019b8d5a-5001-7a30-9f52-0d6f6b0f8a11"


@pytest.mark.django_db
def test_its_commands_do_what_they_say(capsys):
    rule_settings.forget()
    incident = open_incident(now=timezone.now(), subject="ada", is_account=True)
    response = str(incident.responses.get(kind="step_up").pk)
    assert len(COMMANDS) == 9
    seen = []
    for command in COMMANDS:
        given = command.replace(INCIDENT, str(incident.pk)).replace(RESPONSE, response)
        call_command(*shlex.split(given))
        incident.refresh_from_db()
        seen.append(incident.status)
    assert seen[:6] == ["open", "open", "acknowledged", "acknowledged", "resolved", "open"]
    assert Incident.objects.get().responses.exclude(undone_at=None).count() == 2
    assert [(row.mode, row.thresholds["tries"]) for row in RuleVersion.objects.order_by("number")] == [
        ("shadow", 25),
        ("shadow", 40),
    ]
    rule_settings.forget()
    assert "credential_stuffing" in capsys.readouterr().out


def test_its_tables_name_everything():
    rows = set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE))
    assert rows >= {*IncidentStatus, *Verdict, *ResponseKind, *RuleMode}
    kinds = dict(re.findall(r"^\| `(\w+)` \| .+ \| (yes|no)\b", PAGE, re.MULTILINE))
    assert {kind for kind, answer in kinds.items() if answer == "yes"} == {str(kind) for kind in responses.DURATIONS}
    assert f"last {VERDICT_DAYS} days" in PAGE
    assert set(re.findall(r"`(incident\.\w+)`", PAGE)) <= set(CATALOGUE)


def test_its_calls_lead_to_views():
    for path in re.findall(r"`(?:GET|PATCH|POST) (/api/v1/[^` ]+)`", PAGE):
        found = path.replace("{incident_id}", INCIDENT).replace("{rule_id}", "brute_force")
        assert "catch_all" not in resolve(found).view_name
