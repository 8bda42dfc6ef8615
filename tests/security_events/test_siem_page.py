"""docs/siem.md: each file on it is parsed, run, or tried on an event of every type."""

import configparser
import json
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import pytest
import yaml
from django.core.management import load_command_class

from accounts.event_types import ACCOUNT_ACTIVATED
from security_events.catalogue import CATALOGUE
from security_events.event_form import MEMBERS
from security_events.exporters.formats import ExportFormat, line_of
from security_events.selectors.event_filters import EventFilter
from security_events.selectors.trail import START, events_after
from security_events.services.recording import record
from tests.architecture.source import ROOT
from tests.factories.service_clients import register
from tests.security_events.exporters.forms import PRODUCT, empty_form, full_form
from tests.security_events.exporters.test_ecs import FIELDS

PAGE = (ROOT / "docs" / "siem.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"^`siem/([\w.-]+)`\n\n```\w+\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE))
EXPORTS = re.findall(r"export_security_events (--.*)$", PAGE, re.MULTILINE)


def lines_in(export_format):
    """Return a line of every type, with all that may be known of an event and with nothing of it."""
    forms = [form_of(event_type) for event_type in CATALOGUE.values() for form_of in (full_form, empty_form)]
    return [(form, line_of(form, export_format, PRODUCT)) for form in forms]


def flat(value, path=""):
    """Return the fields of a document by their dotted names."""
    if not isinstance(value, dict):
        return {path: value}
    found = {}
    for name, inner in value.items():
        found |= flat(inner, f"{path}.{name}" if path else name)
    return found


def ini(name):
    parser = configparser.ConfigParser(interpolation=None, strict=True)
    parser.optionxform = str
    parser.read_string(FILES[name])
    return parser


def test_lists_each_format_and_each_filter():
    heading, *formats = re.findall(r"^\| `(\w+)` \| ", PAGE.partition("## Choose a format")[2], re.MULTILINE)
    assert (heading, formats) == ("format", list(ExportFormat))
    said = PAGE.partition("Filters are those of the list")[2].partition("An unknown one")[0]
    named = {name for name in re.findall(r"`(\w+)`", said) if name != "high"}
    assert named == set(EventFilter.__dataclass_fields__)


@pytest.mark.parametrize("arguments", EXPORTS)
def test_each_export_has_options_that_there_are(arguments):
    parser = load_command_class("security_events", "export_security_events").create_parser("manage.py", "export")
    assert parser.parse_args(arguments.split()).output


@pytest.mark.process
@pytest.mark.django_db(transaction=True)
def test_the_program_pulls_everything_and_goes_on(live_server, tmp_path):
    made = register(name="siem", scopes=["events:read"])
    for _ in range(3):
        record(ACCOUNT_ACTIVATED)
    (tmp_path / "pull.py").write_text(FILES["pull.py"])
    environment = {
        "CEDRINA_URL": live_server.url,
        "EVENTS_FOLDER": str(tmp_path),
        "CLIENT_ID": str(made.client.pk),
        "CLIENT_SECRET": made.secret,
    }

    def pull():
        command = [sys.executable, "-I", str(tmp_path / "pull.py")]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        files = sorted(tmp_path.glob("*.ndjson"), key=lambda file: int(file.name.partition(".")[0]))
        lines = [line for file in files for line in file.read_text().splitlines()]
        return [json.loads(line)["metadata"]["uid"] for line in lines]

    def committed():
        return [event.form["id"] for event in events_after(START, limit=1000)]

    assert pull() == committed()
    record(ACCOUNT_ACTIVATED)
    assert pull() == committed()


def test_the_service_of_systemd_restarts():
    service = ini("cedrina-export.service")["Service"]
    assert service["Restart"] == "always"
    assert f"{service['WorkingDirectory']}/.venv/bin/python manage.py " in service["ExecStart"]


class TestSplunk:
    def test_finds_the_time_and_the_end_of_each_line(self):
        settings = ini("props.conf")["cedrina:ocsf"]
        for form, line in lines_in(ExportFormat.OCSF):
            text = line[re.search(settings["TIME_PREFIX"], line).end() :][: int(settings["MAX_TIMESTAMP_LOOKAHEAD"])]
            assert settings["TIME_FORMAT"] == "%s%3N"
            moment = datetime.fromtimestamp(int(text[:-3]), UTC).replace(microsecond=int(text[-3:]) * 1000)
            assert moment == datetime.fromisoformat(form["occurred_at"]).replace(microsecond=123000)
            assert re.split(settings["LINE_BREAKER"], line) == [line]

    def test_makes_aliases_of_fields_that_there_are(self):
        settings = ini("props.conf")["cedrina:ocsf"]
        fields = {name for _form, line in lines_in(ExportFormat.OCSF) for name in flat(json.loads(line))}
        aliased = re.findall(r"([\w.]+) AS \w+", settings["FIELDALIAS-cim"])
        assert len(aliased) == 3
        assert set(aliased) <= fields

    def test_reads_the_events_alone(self):
        (monitor,) = ini("inputs.conf").sections()
        blacklist = re.compile(ini("inputs.conf")[monitor]["blacklist"])
        for ending in ("cursor", "lock", "checkpoint", "new"):
            assert blacklist.search(f"/var/log/cedrina/events.ndjson.{ending}")
        assert not blacklist.search("/var/log/cedrina/events.ndjson.000001")


class TestElastic:
    def test_reads_lines_of_json_at_the_top(self):
        (given,) = yaml.safe_load(FILES["filebeat.yml"])["filebeat.inputs"]
        assert given["parsers"] == [{"ndjson": {"target": "", "overwrite_keys": True, "add_error_key": True}}]

    def test_names_fields_of_the_schema(self):
        pipeline = json.loads(FILES["pipeline.json"])
        named = set()
        for processor in pipeline["processors"]:
            ((_kind, options),) = processor.items()
            named |= {options[name] for name in ("field", "copy_from", "target_field") if name in options}
        sets = {name.rpartition(".")[0] for name in FIELDS} | {"source.geo"}
        assert named - {"_id"} <= set(FIELDS) | sets

    def test_maps_each_own_field(self):
        template = json.loads(FILES["index_template.json"])["template"]["mappings"]["properties"]["cedrina"]
        own = {
            name.split(".")[1]
            for _form, line in lines_in(ExportFormat.ECS)
            for name in flat(json.loads(line))
            if name.startswith("cedrina.")
        }
        assert own <= set(template["properties"])
        assert template["properties"]["data"] == {"type": "flattened"}


def test_sentinel_has_a_column_for_each_member():
    rule = json.loads(FILES["data_collection_rule.json"])
    columns = {each["name"]: each["type"] for each in rule["streamDeclarations"]["Custom-Cedrina"]["columns"]}
    assert set(columns) == {*MEMBERS, "TimeGenerated", "FilePath"}
    assert (columns["risk_score"], columns["data"], columns["occurred_at"]) == ("int", "dynamic", "datetime")
    (flow,) = rule["dataFlows"]
    assert flow["streams"] == rule["dataSources"]["logFiles"][0]["streams"] == list(rule["streamDeclarations"])


class TestWazuh:
    RULES = {rule.get("id"): rule for rule in ET.fromstring(FILES["cedrina_rules.xml"])}  # noqa: S314 - our own

    def matches(self, number, fields):
        rule = self.RULES[number]
        parent = rule.findtext("if_sid")
        return (parent is None or self.matches(parent, fields)) and all(
            re.search(field.text, str(fields.get(field.get("name"), ""))) for field in rule.findall("field")
        )

    def test_the_rules_match_the_events_that_they_are_for(self):
        found = {number: set() for number in self.RULES}
        for form, line in lines_in(ExportFormat.ECS):
            fields = flat(json.loads(line))
            for number, types in found.items():
                if self.matches(number, fields):
                    types.add(form["type"])
        types = CATALOGUE.values()
        assert found["100200"] == set(CATALOGUE)
        assert found["100201"] == {
            "authentication.login_failed",
            "admin.login_failed",
            "social.login_failed",
            "service_client.authentication_failed",
        }
        assert found["100202"] == {each.id for each in types if each.severity in ("high", "critical")}
        assert found["100203"] == {each for each in found["100202"] if CATALOGUE[each].ocsf_class_uid in (2004, 2005)}
        assert "token.reuse_detected" in found["100203"]

    def test_the_agent_reads_the_file(self):
        given = ET.fromstring(FILES["ossec.conf"])  # noqa: S314 - our own
        assert (given.tag, given.findtext("log_format")) == ("localfile", "json")

    def test_counts_by_a_field_that_there_is(self):
        assert self.RULES["100204"].findtext("same_field") in FIELDS


@pytest.mark.skipif(shutil.which("rsyslogd") is None, reason="rsyslog is not installed")
def test_rsyslog_accepts_its_part(tmp_path):
    (tmp_path / "rsyslog.conf").write_text(FILES["rsyslog.conf"].replace("/var/spool/rsyslog", str(tmp_path)))
    command = ["rsyslogd", "-N1", "-f", str(tmp_path / "rsyslog.conf")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


def test_each_file_of_the_page_is_tested():
    source = (ROOT / "tests" / "security_events" / "test_siem_page.py").read_text(encoding="utf-8")
    assert [name for name in FILES if f'"{name}"' not in source] == []
    assert len(FILES) == 11
