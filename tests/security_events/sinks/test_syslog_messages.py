"""Messages by RFC 5424 and frames by RFC 6587, read back by another project's parser."""

import json
import re
import warnings
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from security_events.catalogue import CATALOGUE
from security_events.event_form import canonical_bytes, event_form
from security_events.sinks.syslog_messages import BOM, SyslogOrigin, event_message, frame, message
from tests.for_each import for_each

with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # lark imports sre_parse
    from syslog_rfc5424_parser import SyslogMessage

ORIGIN = SyslogOrigin("auth.example.com", process_id="417")
HOSTILE = 'سلام\n🦊 ]"\\ end'


def form(**members):
    values = {
        "id": UUID("0193a1c0-0000-7000-8000-000000000001"),
        "occurred_at": datetime(2026, 3, 1, 12, 0, 0, 123456, UTC),
        "type": "account.registered",
        "category": "account",
        "severity": "low",
        "outcome": "success",
        "actor_id": "42",
        "actor_name": HOSTILE,
        "actor_pseudonym": "",
        "target_id": "",
        "target_name": "",
        "session_id": None,
        "family_id": None,
        "correlation_id": "",
        "ip_address": "2001:db8::1",
        "user_agent": HOSTILE,
        "risk_score": 0,
        "risk_reasons": "[]",
        "data": json.dumps({"note": HOSTILE}),
    }
    return event_form(list({**values, **members}.values()))


def parsed(encoded):
    """Return the message as the other parser reads it; the values of parameters are unescaped."""
    return SyslogMessage.parse(encoded.decode())


class TestEventMessage:
    def test_has_what_receivers_filter_by_and_the_whole_event(self):
        event = form()
        text = canonical_bytes(event).decode()

        read = parsed(event_message(event, text, origin=ORIGIN))

        assert (read.facility.name, read.severity.name, read.version) == ("authpriv", "notice", 1)
        assert (read.timestamp, read.hostname, read.appname) == (
            "2026-03-01T12:00:00.123456Z",
            "auth.example.com",
            "cedrina",
        )
        assert (read.procid, read.msgid) == (417, "account.registered")
        assert read.msg == "\ufeff" + text
        data = read.sd["cedrina@32473"]
        assert data["id"] == event["id"]
        assert data["ip_address"] == "2001:db8::1"
        assert "session_id" not in data

    @for_each("event_type", CATALOGUE)
    def test_has_room_for_each_type(self, event_type):
        read = parsed(event_message(form(type=event_type), "{}", origin=ORIGIN))

        assert read.msgid == event_type[:32]
        assert read.sd["cedrina@32473"]["type"] == event_type

    @pytest.mark.parametrize(
        ("severity", "name"),
        [("info", "info"), ("low", "notice"), ("medium", "warning"), ("high", "err"), ("critical", "crit")],
    )
    def test_translates_the_severity(self, severity, name):
        assert parsed(event_message(form(severity=severity), "{}", origin=ORIGIN)).severity.name == name

    def test_leaves_out_a_text_that_the_receiver_would_cut(self):
        event = form(data=json.dumps({"note": "x" * 4000}))
        text = canonical_bytes(event).decode()
        limited = SyslogOrigin("auth.example.com", max_bytes=2048)

        encoded = event_message(event, text, origin=limited)

        assert len(encoded) <= 2048
        read = parsed(encoded)
        assert read.msg is None
        assert read.sd["cedrina@32473"]["omitted_bytes"] == str(len(text.encode()))
        assert read.sd["cedrina@32473"]["id"] == event["id"]

    def test_begins_the_text_with_a_byte_order_mark_unless_told_otherwise(self):
        with_mark = event_message(form(), "{}", origin=ORIGIN)
        without = event_message(form(), "{}", origin=SyslogOrigin("auth.example.com", has_bom=False))

        assert with_mark.endswith(b"] " + BOM + b"{}")
        assert without.endswith(b"] {}")


class TestMessage:
    @given(st.text(), st.text(), st.text())
    def test_lets_no_value_end_a_field(self, value, name, text):
        encoded = message(
            text,
            severity=6,
            timestamp="2026-03-01T12:00:00Z",
            message_id=name,
            parameters={"a": value, "b": "last"},
            origin=SyslogOrigin(name, name, name),
        )

        header, data, rest = re.fullmatch(
            rb"(<86>1 \S+ [!-~]{1,255} [!-~]{1,48} [!-~]{1,128} [!-~]{1,32}) "
            rb'\[cedrina@32473 a="((?:\\["\\\]]|[^"\\\]])*)" b="last"\] (.*)',
            encoded,
            re.DOTALL,
        ).groups()
        assert header.count(b" ") == 5
        assert re.sub(r"\\(.)", r"\1", data.decode()) == re.sub(r"[\x00-\x1f\x7f-\x9f]", " ", value)
        assert rest == BOM + text.encode()


class TestFrame:
    @given(st.lists(st.binary(max_size=300), max_size=5))
    def test_says_the_length_in_bytes(self, messages):
        stream, read = b"".join(map(frame, messages)), []
        while stream:
            length, _, stream = stream.partition(b" ")
            read.append(stream[: int(length)])
            stream = stream[int(length) :]

        assert read == messages

    def test_counts_bytes_and_not_characters(self):
        assert frame("سلام".encode()) == b"8 " + "سلام".encode()
