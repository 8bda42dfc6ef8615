"""The commands `incidents` and `detection_rules`."""

import json
from uuid import UUID

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from security_events.models import Incident, RuleVersion, SecurityEvent
from security_events.services.detection import rule_settings
from tests.factories.incidents import open_incident

pytestmark = pytest.mark.django_db

NOW = timezone.now()


@pytest.fixture(autouse=True)
def fresh_settings():
    rule_settings.forget()
    yield
    rule_settings.forget()


def run(capsys, *arguments, code=0):
    try:
        call_command(*arguments, "--json")
        ended = 0
    except SystemExit as end:
        ended = end.code
    assert ended == code
    return json.loads(capsys.readouterr().out)


class TestIncidents:
    def test_are_listed_and_shown(self, capsys):
        incident = open_incident(now=NOW, stored=True)
        open_incident(now=NOW, rule="brute_force", key="ada")
        listed = run(capsys, "incidents", "list", "--severity", "high+")["incidents"]
        assert [each["id"] for each in listed] == [str(incident.pk)]
        shown = run(capsys, "incidents", "show", str(incident.pk))["incident"]
        assert (shown["events"], len(shown["timeline"])) == (3, 3)
        call_command("incidents", "list")
        call_command("incidents", "show", str(incident.pk))
        text = capsys.readouterr().out
        assert "evidence tries: 41" in text
        assert text.count("network.refusals_suppressed") == 3

    def test_are_worked_on(self, capsys):
        incident = open_incident(now=NOW, subject="ada", is_account=True)
        pk = str(incident.pk)
        assert run(capsys, "incidents", "acknowledge", pk, "--dry-run")["result"] == "would_change"
        assert not SecurityEvent.objects.filter(type="incident.acknowledged").exists()
        run(capsys, "incidents", "acknowledge", pk, "--note", "mine")
        step_up = str(incident.responses.get(kind="step_up").pk)
        undone = run(capsys, "incidents", "undo", pk, "--response", step_up)["incident"]
        assert {each["kind"]: each["state"] for each in undone["responses"]}["step_up"] == "undone"
        resolved = run(capsys, "incidents", "resolve", pk, "--verdict", "false_positive")["incident"]
        assert (resolved["status"], resolved["note"]) == ("resolved", "mine")
        assert run(capsys, "incidents", "reopen", pk)["incident"]["status"] == "open"

    def test_that_can_not_be_changed_say_why(self, capsys):
        incident = open_incident(now=NOW, subject="ada", is_account=True)
        assert run(capsys, "incidents", "show", str(UUID(int=7)), code=1)["error"]["code"] == "not_found"
        notify = str(incident.responses.get(kind="notify").pk)
        refused = run(capsys, "incidents", "undo", str(incident.pk), "--response", notify, code=1)
        assert "was over at once" in refused["error"]["detail"]
        too_long = run(capsys, "incidents", "acknowledge", str(incident.pk), "--note", "x" * 2001, code=1)
        assert too_long["error"]["code"] == "validation_error"
        with pytest.raises(CommandError):
            call_command("incidents", "resolve", str(incident.pk))
        assert Incident.objects.get().version == 1


class TestDetectionRules:
    def test_are_listed(self, capsys):
        found = run(capsys, "detection_rules", "list")["rules"]
        assert {each["id"] for each in found} >= {"brute_force", "credential_stuffing"}
        call_command("detection_rules", "list")
        assert "tries=25" in capsys.readouterr().out

    def test_are_set_with_a_reason(self, capsys):
        arguments = ["set", "credential_stuffing", "--mode", "shadow", "--threshold", "tries=40", "--reason", "office"]
        assert run(capsys, "detection_rules", *arguments, "--dry-run")["result"] == "would_change"
        assert not RuleVersion.objects.exists()
        changed = run(capsys, "detection_rules", *arguments)["rule"]
        assert (changed["mode"], changed["thresholds"]["tries"]) == ("shadow", 40)
        assert RuleVersion.objects.get().reason == "office"

    @pytest.mark.parametrize(
        ("arguments", "code"),
        [
            (["nothing", "--mode", "off"], "not_found"),
            (["brute_force", "--threshold", "tries=5"], "validation_error"),
            (["brute_force", "--threshold", "failures=0"], "validation_error"),
            (["brute_force", "--mode", "off", "--reason", "x" * 501], "validation_error"),
        ],
    )
    def test_refuse_what_they_do_not_have(self, capsys, arguments, code):
        arguments = arguments if "--reason" in arguments else [*arguments, "--reason", "x"]
        assert run(capsys, "detection_rules", "set", *arguments, code=1)["error"]["code"] == code
        with pytest.raises(CommandError):
            call_command("detection_rules", "set", "brute_force", "--threshold", "failures", "--reason", "x")
