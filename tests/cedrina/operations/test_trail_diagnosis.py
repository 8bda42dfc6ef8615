"""What `manage.py doctor` says of copies of the audit trail outside this machine."""

from datetime import UTC, datetime

import pytest

from cedrina.operations import diagnosis
from security_events.delivery import configured_sinks
from security_events.models import Sink, SinkState

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def findings(settings):
    def found(*urls, **others):
        settings.SECURITY_EVENTS = {**settings.SECURITY_EVENTS, "SINKS": urls, **others}
        return [(finding.id, str(finding.severity)) for finding in diagnosis.outside_copies(NOW)]

    settings.PUBLIC_URL = "https://id.example.org"
    return found


class TestOutsideCopies:
    @pytest.mark.parametrize(
        "urls",
        [
            (),
            ("syslog+tls://localhost",),
            ("syslog+tcp://127.0.0.1:601",),
            ("syslog+tls://siem.example.com?content=events",),
            ("/var/log/events?content=events",),
        ],
    )
    def test_are_missed(self, findings, urls):
        assert findings(*urls) == [("audit_trail.kept_here_alone", "warning")]

    @pytest.mark.parametrize(
        "urls", [("syslog+tls://siem.example.com",), ("https://archive.example.com",), ("syslog+tls://[2001:db8::1]",)]
    )
    def test_are_recognised(self, findings, urls):
        assert findings(*urls) == []

    def test_can_be_those_of_witnesses(self, findings):
        assert findings(AUDIT_WITNESSES=[{"name": "a", "url": "https://witness.example.com"}]) == []

    def test_may_be_files(self, findings):
        assert findings("/mnt/archive/notes") == [("audit_trail.file_alone", "info")]

    def test_are_encrypted(self, findings):
        assert findings("syslog+tcp://siem.example.com") == [("audit_trail.plain_syslog", "warning")]

    def test_are_of_no_importance_on_the_machine_of_a_developer(self, findings, settings):
        settings.ENVIRONMENT, settings.PUBLIC_URL = "development", "http://localhost:8000"

        assert findings() == []


@pytest.mark.django_db
class TestFailingSinks:
    def test_are_named_with_the_reason(self, settings):
        settings.SECURITY_EVENTS = {**settings.SECURITY_EVENTS, "SINKS": ["syslog+tls://siem.example.com"]}
        configured_sinks.synchronise(now=NOW)
        assert list(diagnosis.failing_sinks(NOW)) == []
        Sink.objects.filter(kind="syslog").update(
            state=SinkState.FAILING, failing_since=NOW, last_error="The connection failed."
        )

        (finding,) = diagnosis.failing_sinks(NOW)

        assert finding.id == "audit_trail.sink_failing"
        assert str(finding.problem) == (
            "syslog+tls://siem.example.com:6514 (syslog) takes nothing since 2026-03-01 12:00 UTC: "
            "The connection failed."
        )
