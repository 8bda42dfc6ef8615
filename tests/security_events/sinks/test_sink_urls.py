"""The setting of sinks: what URLs mean, and which sentence a wrong one gets."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from security_events.sinks.sink_targets import Content, FileTarget, SyslogTarget, WebhookTarget
from security_events.sinks.sink_urls import read_sink, read_sinks
from security_events.sinks.syslog_connection import TlsFiles
from security_events.sinks.url_options import SinkUrlFault


class TestReadSink:
    def test_reads_a_receiver_of_syslog_with_its_defaults(self):
        assert read_sink("syslog+tls://siem.example.com") == SyslogTarget(
            name="syslog+tls://siem.example.com:6514",
            content=Content.ALL,
            host="siem.example.com",
            port=6514,
            tls=TlsFiles(),
        )

    def test_reads_all_options(self):
        url = (
            "syslog+tls://[2001:db8::1]:7000?content=events&format=cef&from=oldest&facility=local3&hostname=auth-1"
            "&app=sign-in&sd_id=audit@99999&max_bytes=8192&bom=no&confirm=kernel&ca=/a.pem&cert=/b.pem&key=/c.pem"
        )

        assert read_sink(url) == SyslogTarget(
            name="syslog+tls://[2001:db8::1]:7000",
            content=Content.EVENTS,
            format="cef",
            starts_at_oldest=True,
            host="2001:db8::1",
            port=7000,
            tls=TlsFiles("/a.pem", "/b.pem", "/c.pem"),
            facility=19,
            hostname="auth-1",
            app_name="sign-in",
            sd_id="audit@99999",
            max_bytes=8192,
            has_bom=False,
            keeps_connection=True,
        )

    @pytest.mark.parametrize("url", ["file:///var/log/a%20b.txt", "/var/log/a%20b.txt"])
    def test_reads_a_file_of_checkpoints(self, url):
        assert read_sink(url) == FileTarget(
            name="file:///var/log/a b.txt", content=Content.CHECKPOINTS, path="/var/log/a b.txt"
        )

    def test_shows_no_secret_of_a_webhook(self):
        target = read_sink("https://hooks.example.com:8443/T0/secret?token=secret")

        assert isinstance(target, WebhookTarget)
        assert target.url == "https://hooks.example.com:8443/T0/secret?token=secret"
        assert target.name.startswith("https://hooks.example.com:8443#")
        assert "secret" not in repr(target)

    @pytest.mark.parametrize(
        ("url", "sentence"),
        [
            ("siem.example.com:6514", "scheme is unknown"),
            ("syslog://siem.example.com", "scheme is unknown"),
            ("syslog+tls://", "is a host and a port"),
            ("syslog+tls://siem.example.com/path", "is a host and a port"),
            ("syslog+tls://siem.example.com:0", "from 1 to 65535"),
            ("syslog+tls://siem.example.com:70000", "is no URL"),
            ("syslog+tls://[::1", "is no URL"),
            ("syslog+tls://user:secret@siem.example.com", "user or a password"),
            ("syslog+tls://siem.example.com?secret=1", "has no option secret"),
            ("syslog+tcp://siem.example.com?ca=/a", "has no option ca"),
            ("syslog+tls://siem.example.com?format=xml", "format is one of"),
            ("syslog+tls://siem.example.com?format=cef&format=ecs", "an option twice"),
            ("syslog+tls://siem.example.com?max_bytes=1000", "a number from 2048"),
            ("syslog+tls://siem.example.com?max_bytes=٩٩٩٩", "a number from 2048"),
            ("syslog+tls://siem.example.com?max_bytes=" + "9" * 5000, "a number from 2048"),
            ("syslog+tls://siem.example.com?facility=99", "facility is one of"),
            ("syslog+tls://siem.example.com?app=two%20words", "without spaces"),
            ("syslog+tls://siem.example.com?sd_id=a]b", "without spaces"),
            ("syslog+tls://siem.example.com?key=/c.pem", "needs the option cert"),
            ("syslog+tls://siem.example.com?format", "name=value"),
            ("file://relative", "whole path"),
            ("file:///var/log/", "whole path"),
            ("file:///a%00b", "whole path"),
            ("file:///var/log/a?content=all", "two files"),
            ("https:///path", "https://host/path"),
            ("", "scheme is unknown"),
        ],
    )
    def test_says_what_is_wrong(self, url, sentence):
        with pytest.raises(SinkUrlFault, match=sentence) as fault:
            read_sink(url)

        assert "secret@" not in str(fault.value)

    @given(st.text() | st.from_regex(r"(syslog\+tls|file|https)://[^/]*(/|\?)[^#]*", fullmatch=True))
    def test_refuses_and_never_fails(self, url):
        with contextlib.suppress(SinkUrlFault):
            read_sink(url)


class TestReadSinks:
    def test_names_the_url_by_its_number(self):
        with pytest.raises(SinkUrlFault, match="URL 2: its scheme"):
            read_sinks(["/var/log/checkpoints", "ftp://example.com"])

    def test_refuses_one_place_twice(self):
        with pytest.raises(SinkUrlFault, match="URL 2: it is there twice"):
            read_sinks(["syslog+tls://a.example", "syslog+tls://a.example:6514?format=cef"])
