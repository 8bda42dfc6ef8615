"""Every format carries every event, with all that is known of it, on one line."""

import json

import pytest

from security_events.catalogue import CATALOGUE
from security_events.exporters.formats import ExportFormat, line_of
from tests.security_events.exporters.forms import PRODUCT, each_form, every_type, full_form

SINGULAR = ("severity", "outcome", "risk_score")  # each format has its own words or numbers for these


def texts(value):
    """Return all texts in a value, at any depth."""
    if isinstance(value, dict):
        return [text for item in value.values() for text in texts(item)]
    if isinstance(value, list):
        return [text for item in value for text in texts(item)]
    return [value] if isinstance(value, str) else []


@each_form
@every_type
def test_a_line_has_no_line_break(event_type, form_of):
    form = form_of(event_type)
    for export_format in ExportFormat:
        line = line_of(form, export_format, PRODUCT)
        assert line
        assert not {"\n", "\r"} & set(line)
        line.encode()


@pytest.mark.parametrize("export_format", ["ocsf", "ecs", "cloudevents", "cedrina"])
@every_type
def test_no_value_of_an_event_is_left_out(event_type, export_format):
    form = full_form(event_type)

    carried = "\0".join(texts(json.loads(line_of(form, ExportFormat(export_format), PRODUCT))))

    for name, value in form.items():
        missing = [] if name in SINGULAR else [text for text in texts(value) if text not in carried]
        assert missing == [], name


@pytest.mark.attack("CWE-117")
@pytest.mark.parametrize("export_format", ["ocsf", "ecs", "cloudevents", "cef"])
@pytest.mark.parametrize("separator", ["\n", "\r", "\x0b", "\x0c", "\x1e", "\x7f", "\x85", "\x9b", "\u2028", "\u2029"])
def test_a_client_writes_no_line_of_its_own(separator, export_format):
    """A reader may split lines by Unicode's rules, and an operator may look at them in a terminal."""
    forged = f"x{separator}CEF:0|Cedrina|Cedrina|1|key.rotated|forged|0|"
    event_type = CATALOGUE["authentication.login_failed"]
    form = full_form(event_type, user_agent=forged, actor_name=forged, risk_reasons=[forged], data={"note": forged})

    line = line_of(form, ExportFormat(export_format), PRODUCT)

    assert line.splitlines() == [line]
    assert separator not in line
    if export_format != "cef":
        assert forged in texts(json.loads(line))


def test_a_type_that_no_app_declares_any_longer_is_carried_as_well():
    form = full_form(CATALOGUE["session.created"], type="invoice.paid", category="shop", severity="urgent")
    for export_format in ExportFormat:
        assert "invoice.paid" in line_of(form, export_format, PRODUCT)


def test_the_media_type_is_that_of_the_lines():
    assert {each.media_type for each in ExportFormat} == {"text/plain", "application/x-ndjson"}
    assert ExportFormat.CEF.media_type == "text/plain"
