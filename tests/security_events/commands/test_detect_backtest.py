"""manage.py detect_backtest: stored events through changed rules."""

import io
import json
import os
import re
import shlex
import signal
import zipfile
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone

from accounts import event_types
from cedrina_base.uuids import uuid7
from security_events.context import RequestContext, bind
from security_events.detection import rules
from security_events.detection.facts import fact_from
from security_events.detection.rules import RULES
from security_events.detection.simulation.labelled_stream import labelled_sign_ins
from security_events.detection.simulation.rba_file import write
from security_events.detection.windows import MemoryWindows
from security_events.models import Incident, IncidentEvent, RuleVersion, SecurityEvent
from security_events.selectors.trail import START, events_after
from security_events.services.detection import rule_settings
from security_events.types import IncidentStatus, Outcome, RuleMode, Subject, Verdict
from tests.append_only import delete_from
from tests.architecture.source import ROOT
from tests.programs import forked_programs, served
from tests.security_events.old_events import drop_old_partitions, record_old

NOW = timezone.now()
PAGE = (ROOT / "docs" / "backtest.md").read_text(encoding="utf-8")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
FEW, MANY = (Subject(id=str(uuid7()), name=name) for name in ("few", "many"))


def failures(who, count, *, at, address="203.0.113.7"):
    with bind(RequestContext(ip_address=address, user_agent="curl/8")):
        record_old(event_types.LOGIN_FAILED, at=at, count=count, outcome=Outcome.FAILURE, actor=who)


@pytest.fixture(scope="module")
def stored(django_db_setup, django_db_blocker):
    """Committed events: failures of one account, more of another one, and old ones of the latter.

    Nothing is known of the accounts, so each failure counts a half.
    """
    with django_db_blocker.unblock():
        failures(MANY, 30, at=NOW - 40 * DAY, address="2001:db8::1")
        failures(MANY, 30, at=NOW - 3 * DAY, address="198.51.100.1")
        failures(FEW, 12, at=NOW - 2 * DAY)
        yield
        with transaction.atomic(), connection.cursor() as cursor:
            delete_from(cursor, "security_events_event")
        drop_old_partitions()


@pytest.fixture(autouse=True)
def own_settings():
    rule_settings.forget()
    yield
    rule_settings.forget()


def backtest(*changes, **options):
    out = io.StringIO()
    call_command("detect_backtest", "--json", set=list(changes), stdout=out, **options)
    return json.loads(out.getvalue())


def refusal(**options):
    err = io.StringIO()
    with pytest.raises(SystemExit) as caught:
        call_command("detect_backtest", stderr=err, **options)
    return caught.value.code, err.getvalue()


def incident(who, verdict, *, at):
    row = Incident.objects.create(
        rule="brute_force",
        key=who.id,
        status=IncidentStatus.RESOLVED,
        severity="medium",
        verdict=verdict,
        opened_at=at,
        updated_at=NOW,
    )
    for second in (1, 60):
        IncidentEvent.objects.create(incident=row, event_id=uuid7(), at=at + timedelta(seconds=second))
    return row


@pytest.mark.usefixtures("stored")
@pytest.mark.django_db
class TestReplaying:
    def test_finds_what_rules_find_live(self):
        rules.load()
        facts = [fact_from(event.form) for event in events_after(START, limit=100_000)]
        live = MemoryWindows(tuple(RULES.values())).findings(facts)
        since = (NOW - 30 * DAY).timestamp()
        expected = {}
        for found in live:
            if found.trigger.at >= since:
                expected[found.rule.id] = expected.get(found.rule.id, 0) + 1

        result = backtest()
        found = {rule: each["after"]["findings"] for rule, each in result["rules"].items() if each["after"]["findings"]}
        assert found == expected
        assert found["brute_force"] >= 20

    def test_says_what_would_no_longer_be_found_with_the_account_and_the_event(self):
        result = backtest("brute_force.failures=8", rule=["brute_force"])
        (example,) = [each for each in result["rules"]["brute_force"]["gone_examples"] if each["account"] == FEW.id]

        assert result["rules"].keys() == {"brute_force"}
        assert result["rules"]["brute_force"]["is_changed"]
        assert SecurityEvent.objects.get(pk=example["event_id"]).actor_id == FEW.id
        assert example["link"].startswith("http")
        assert example["link"].endswith(f"/admin/security_events/securityevent/{example['event_id']}/change/")
        assert result["rules"]["brute_force"]["new"] == 0

    def test_says_which_rules_are_off_without_places(self, settings):
        settings.SECURITY_EVENTS = {**settings.SECURITY_EVENTS, "GEOIP_PATHS": []}
        result = backtest()

        assert "GEOIP_PATH" in result["unavailable"]["impossible_travel"]
        assert "impossible_travel" not in result["rules"]

    def test_counts_events_before_the_time_as_earlier_ones(self):
        result = backtest(since="35d", rule=["brute_force"])
        longer = backtest(since="50d", rule=["brute_force"])

        assert result["earlier_events"] >= 30
        assert longer["events"] >= result["events"] + 30

    def test_compares_with_the_settings_in_force(self):
        RuleVersion.objects.create(
            rule="brute_force",
            mode=RuleMode.SHADOW,
            thresholds={"failures": 8, "seconds": 300},
            reason="a test",
            created_at=NOW,
        )
        result = backtest("brute_force.failures=5", "brute_force.mode=enforce")["rules"]["brute_force"]

        assert (result["before"]["mode"], result["after"]["mode"]) == ("shadow", "enforce")
        assert result["before"]["thresholds"]["failures"] == 8
        assert FEW.id in {each["account"] for each in result["new_examples"]}

    def test_names_known_attacks_that_would_be_missed_and_false_alarms_that_would_vanish(self):
        missed = incident(FEW, Verdict.TRUE_POSITIVE, at=NOW - 2 * DAY)
        incident(MANY, Verdict.TRUE_POSITIVE, at=NOW - 3 * DAY)
        vanished = incident(FEW, Verdict.FALSE_POSITIVE, at=NOW - 2 * DAY)
        incident(FEW, Verdict.BENIGN, at=NOW - 2 * DAY)
        verdicts = backtest("brute_force.failures=8")["verdicts"]

        assert (verdicts["attacks"], verdicts["missed_incidents"]) == (2, [str(missed.pk)])
        assert (verdicts["false_alarms"], verdicts["vanished_incidents"]) == (1, [str(vanished.pk)])

    def test_changes_nothing_and_tells_people(self):
        before = SecurityEvent.objects.count()
        out = io.StringIO()
        call_command("detect_backtest", set=["brute_force.failures=8"], stdout=out)

        assert SecurityEvent.objects.count() == before
        assert not Incident.objects.exists()
        assert FEW.id in out.getvalue()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"set": ["brute_force.tries=4"]}, "failures"),
        ({"set": ["brute_force.failures=many"]}, "brute_force.failures=many"),
        ({"set": ["nothing.at_all=1"]}, "brute_force"),
        ({"rule": ["nothing"]}, "nothing"),
        ({"since": "yesterday"}, "--since"),
        ({"since": "0d"}, "--since"),
        ({"since": "99999w"}, "--since"),
        ({"since": "1999-01-01"}, "--since"),
        ({"until": "9999-12-31"}, "--until"),
        ({"since": "1d", "until": "2d"}, "--until"),
        ({"set": ["x" * 100_000 + ".y=1"]}, "xxx"),
    ],
)
def test_a_wrong_option_is_named_and_ends_with_2(options, named):
    code, sentence = refusal(**options)
    assert code == 2
    assert named in sentence
    assert len(sentence) < 2000


@pytest.mark.django_db
@pytest.mark.parametrize("line", re.findall(r"^\$ python manage\.py (.+)$", PAGE, re.MULTILINE))
def test_commands_of_the_page_do_what_it_says(line, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sign_ins = labelled_sign_ins(seed=1, people=20, days=20, attacks=1)
    name, *arguments = shlex.split(line)
    file = arguments[arguments.index("--rba") + 1] if "--rba" in arguments else None
    if file == "rba-dataset.zip":
        write(tmp_path / "sign-ins.csv", sign_ins)
        with zipfile.ZipFile(file, "w") as archive:
            archive.write("sign-ins.csv")
    elif file:
        write(tmp_path / file, sign_ins)
    out = io.StringIO()
    call_command(name, *arguments, stdout=out)

    assert "credential_stuffing" in out.getvalue()


def test_an_interrupt_ends_it_with_a_sentence(tmp_path):
    pipe = tmp_path / "sign-ins"
    os.mkfifo(pipe)
    with (tmp_path / "out").open("wb") as out:
        command = forked_programs.start(
            ["manage.py", "detect_backtest", "--rba", str(pipe)],
            environment=served.environment(DATABASE_URL="postgres://nobody:nothing@127.0.0.1:1/none"),
            stdout=out.fileno(),
            stderr=out.fileno(),
        )
        with pipe.open("wb"):  # opens when the command has opened it, and then waits for its first line
            command.send_signal(signal.SIGINT)
            code = command.wait(30)

    assert code == 130
    text = (tmp_path / "out").read_text()
    assert "Nothing was changed" in text
    assert "Traceback" not in text
