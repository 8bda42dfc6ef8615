"""Our rules in Sigma, judged by a foreign engine on the same stream: pySigma's backend for SQLite."""

import json
import sqlite3
from datetime import UTC, datetime
from itertools import product

import pytest
import yaml
from django.core.management import call_command
from django.utils.translation import override
from sigma.backends.sqlite import sqliteBackend
from sigma.collection import SigmaCollection
from sigma.validation import SigmaValidator
from sigma.validators.core import validators

from security_events.detection import rules
from security_events.detection.facts import Fact
from security_events.detection.rules import RULES
from security_events.detection.sigma_forms import SigmaCount
from security_events.detection.simulation.rule_measurement import stream
from security_events.detection.windows import MemoryWindows
from security_events.exporters import sigma

rules.load()
IN_SIGMA = [rule for rule in RULES.values() if rule.sigma]
EXACT = [rule for rule in IN_SIGMA if not rule.sigma.wider]
COLUMNS = (
    "event_id",
    "type",
    "account",
    "actor",
    "ip_address",
    "network",
    "program",
    "is_unknown_name",
    "is_new_client",
    "is_password_alone",
    "days_since_last",
    "is_familiar_client",
    "generations_behind",
    "idle_seconds",
)


@pytest.fixture(scope="module")
def simulated():
    return stream(seed=501, people=12, days=12, attacks=1)


@pytest.fixture
def facts(simulated, rule):
    """Honest facts and the attack of one rule: the foreign engine's time grows with the square of their number."""
    made, campaigns = simulated
    others = {fact.event_id for each in campaigns if each.rule != rule.id for fact in each.facts}
    return [fact for fact in made if fact.event_id not in others]


@pytest.fixture
def database(facts):
    connection = stored(facts)
    yield connection
    connection.close()


def stored(facts):
    connection = sqlite3.connect(":memory:")
    connection.execute(f"CREATE TABLE logs (timestamp, {', '.join(COLUMNS)})")
    rows = (
        (datetime.fromtimestamp(each.at, UTC).isoformat(), *(_value(each, name) for name in COLUMNS)) for each in facts
    )
    connection.executemany(f"INSERT INTO logs VALUES ({', '.join('?' * (1 + len(COLUMNS)))})", rows)
    return connection


def _value(fact, name):
    value = getattr(fact, name)
    return None if value == "" else value


def ours(rule, facts):
    """Return what a rule finds: the key, or the event where Sigma knows no keys, and the time in milliseconds."""
    found = MemoryWindows([rule]).findings(facts)
    if rule.sigma.count is SigmaCount.ONE:
        return {each.trigger.event_id for each in found}
    # SQLite's engine groups without regard to case.
    return {(rule.key(each.trigger).lower(), round(1000 * each.trigger.at)) for each in found}


def theirs(rule, database):
    """Return the same by the foreign engine."""
    collection = SigmaCollection.from_yaml(sigma.sigma_yaml(rule, rule.thresholds))
    (query,) = sqliteBackend(table="logs").convert(collection)
    cursor = database.execute(query.replace("<TABLE_NAME>", "logs"))
    names = [column[0] for column in cursor.description]
    rows = [dict(zip(names, row, strict=True)) for row in cursor]
    if rule.sigma.count is SigmaCount.ONE:
        return {row["event_id"] for row in rows}
    return {(json.loads(row["group_keys"])[str(rule.group_by)], round(1000 * row["window_end"])) for row in rows}


def nearly(found):
    """Return the findings with those of the milliseconds beside them: both engines round."""
    return {(key, at + shift) for key, at in found for shift in (-1, 0, 1)}


@pytest.mark.parametrize("rule", EXACT, ids=lambda rule: rule.id)
def test_a_foreign_engine_finds_the_same(rule, facts, database):
    own, foreign = ours(rule, facts), theirs(rule, database)

    assert own
    if rule.sigma.count is SigmaCount.ONE:
        assert own == foreign
    else:
        assert own <= nearly(foreign)
        assert foreign <= nearly(own)


def test_both_leave_out_the_same_reuses_of_tokens_around_the_thresholds():
    rule = RULES["token_theft"]
    reuses = [
        Fact(
            event_id=f"{number}",
            at=1000.0 * number,
            type=type_,
            succeeded=False,
            account="mina",
            is_familiar_client=is_familiar,
            generations_behind=behind,
            idle_seconds=idle,
        )
        for number, (type_, is_familiar, behind, idle) in enumerate(
            product(("token.reuse_detected", "token.reuse_confirmed"), (False, True), (3, 4, 5), (899, 900, 901))
        )
    ]
    connection = stored(reuses)

    own, foreign = ours(rule, reuses), theirs(rule, connection)

    connection.close()
    assert own == foreign
    assert len(reuses) - len(own) == 4


@pytest.mark.parametrize("rule", [rule for rule in IN_SIGMA if rule.sigma.wider], ids=lambda rule: rule.id)
def test_a_form_that_says_less_finds_all_that_the_rule_finds(rule, facts, database):
    own, foreign = ours(rule, facts), theirs(rule, database)

    assert own
    assert own <= (foreign if rule.sigma.count is SigmaCount.ONE else nearly(foreign))


@pytest.mark.parametrize("rule", IN_SIGMA, ids=lambda rule: rule.id)
def test_each_file_has_what_the_specification_demands(rule):
    # Two validators read lists of techniques from the Internet.
    known = {name: each for name, each in validators.items() if name not in ("attacktag", "d3_fendtag")}
    collection = SigmaCollection.from_yaml(sigma.sigma_yaml(rule, rule.thresholds))

    issues = SigmaValidator(known.values()).validate_rules(iter(collection.rules))

    assert [issue for issue in issues if issue.severity.name in ("HIGH", "MEDIUM")] == []
    assert str(collection.rules[-1].id) == sigma.rule_id(rule)


def test_files_are_english_and_have_the_thresholds_in_force():
    rule = RULES["enumeration"]
    with override("fa"):
        *_events, found = yaml.safe_load_all(sigma.sigma_yaml(rule, {"names": 44}))

    assert found["title"] == "Search for names that have an account"
    assert found["correlation"] == {
        "type": "value_count",
        "rules": ["enumeration_events_1"],
        "group-by": ["network"],
        "timespan": "10m",
        "condition": {"gte": 44, "field": "account"},
    }


def test_what_sigma_has_no_words_for_is_refused():
    with pytest.raises(ValueError, match="no words for the rule impossible_travel"):
        sigma.sigma_yaml(RULES["impossible_travel"], {})


@pytest.mark.django_db
def test_the_command_writes_a_file_for_each_rule_and_names_the_others(tmp_path, capsys):
    call_command("export_sigma", str(tmp_path / "new"))

    written = {path.name for path in (tmp_path / "new").iterdir()}
    assert written == {f"{rule.id}.yml" for rule in IN_SIGMA}
    assert all(SigmaCollection.from_yaml(path.read_text()).rules for path in (tmp_path / "new").iterdir())
    assert "impossible_travel" in capsys.readouterr().out


@pytest.mark.django_db
def test_the_command_says_when_it_can_not_write(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    with pytest.raises(SystemExit) as caught:
        call_command("export_sigma", str(tmp_path / "file"))

    assert caught.value.code == 2
    assert "can't be written" in capsys.readouterr().err
