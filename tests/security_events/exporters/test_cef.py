"""CEF: another program's parser reads the values that went in, whatever they hold."""

import json

import jc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from security_events.catalogue import CATALOGUE
from security_events.exporters.cef import cef_line
from tests.security_events.exporters.forms import PRODUCT, each_form, every_type, full_form

TYPE = CATALOGUE["authentication.login_failed"]
# The parser takes one line of text, and strips the white space around each value.
TEXT = st.text(st.characters(blacklist_categories=["Cs", "Cc", "Zl", "Zp", "Zs"]) | st.sampled_from(" \n\r=|\\"))


def parsed(line):
    (event,) = jc.parse("cef", line, raw=True)
    return event


@each_form
@every_type
def test_another_parser_reads_each_type(event_type, form_of):
    form = form_of(event_type)

    event = parsed(cef_line(form, PRODUCT))

    assert (event["CEFVersion"], event["deviceVendor"], event["deviceProduct"]) == ("0", "Cedrina", "Cedrina")
    assert (event["deviceVersion"], event["deviceEventClassId"]) == ("1.2.3", event_type.id)
    assert 0 <= int(event["agentSeverity"]) <= 10
    assert event["externalId"] == form["id"]
    assert event["rt"] == "1767607200123"


@given(agent=TEXT, name=TEXT, value=TEXT)
def test_values_come_back_as_they_were(agent, name, value):
    form = full_form(TYPE, user_agent=agent, actor_name=name, data={"note": value})

    extensions = read_by_the_standard(cef_line(form, PRODUCT))

    assert extensions.get("requestClientApplication", "") == agent
    assert extensions.get("suser", "") == name
    assert json.loads(extensions["cs4"]) == {"note": value}


def read_by_the_standard(line):
    """Read the extensions by the rules of the standard alone: a key begins at the start or behind a space."""
    text = line.split("|", 7)[7]
    found, key, value, position = {}, "", "", 0
    while position < len(text):
        character = text[position]
        if character == "\\":
            position += 1
            value += {"n": "\n", "r": "\r"}.get(text[position], text[position])
        elif character == "=":
            before, _, following = value.rpartition(" ")
            if key:
                found[key] = before
            key, value = following, ""
        else:
            value += character
        position += 1
    return {**found, key: value}


@pytest.mark.parametrize(
    ("value", "written"),
    [("a=b", "a\\=b"), ("a\\=b", "a\\\\\\=b"), ("a|b", "a|b"), ("a\nb", "a\\nb"), ("a\rb", "a\\rb")],
)
def test_the_escapes_are_those_of_the_standard(value, written):
    assert f"requestClientApplication={written} " in cef_line(full_form(TYPE, user_agent=value), PRODUCT)


def test_the_header_escapes_its_own_separator():
    line = cef_line(full_form(TYPE), PRODUCT._replace(name="Ced|rina\\\nx"))
    assert line.startswith("CEF:0|Cedrina|Ced\\|rina\\\\ x|1.2.3|")


def test_an_address_of_ipv6_has_a_field_of_its_own():
    six = parsed(cef_line(full_form(TYPE, ip_address="2001:db8::1"), PRODUCT))
    four = parsed(cef_line(full_form(TYPE, ip_address="203.0.113.7"), PRODUCT))

    assert (six["c6a2"], six["c6a2Label"]) == ("2001:db8::1", "Source IPv6 Address")
    assert "src" not in six
    assert (four["src"], "c6a2" in four) == ("203.0.113.7", False)


def test_values_keep_the_lengths_of_the_dictionary():
    form = full_form(TYPE, user_agent="=" * 2000, data={"note": "x" * 5000})
    extensions = read_by_the_standard(cef_line(form, PRODUCT))

    assert len(extensions["requestClientApplication"]) == 1023
    assert len(extensions["cs4"]) == 4000
    assert len(extensions["externalId"]) <= 40
