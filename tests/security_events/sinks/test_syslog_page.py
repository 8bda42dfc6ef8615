"""The configurations of docs/syslog.md, in the receivers that they are for."""

import json
import re

import pytest

from security_events.sinks.sink_urls import read_sinks
from security_events.sinks.syslog_connection import TlsFiles
from security_events.sinks.syslog_messages import SyslogOrigin, message
from security_events.sinks.syslog_sender import SyslogSender
from security_events.sinks.url_options import OPTIONS
from tests.programs.served import ROOT
from tests.security_events.sinks import syslog_receivers
from tests.security_events.sinks.certificates import Authority
from tests.security_events.sinks.syslog_receivers import Rsyslog, SyslogNg

PAGE = (ROOT / "docs" / "syslog.md").read_text(encoding="utf-8")
TEXTS = ['{"note":"سلام \\n 🦊 ]"}', '{"size":1}']
MESSAGE_IDS = ["account.registered", "checkpoint"]


def block(language):
    return re.search(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)[1]


def documented(kind, language):
    """Return a receiver whose configuration is that of the page, with this machine's paths and port."""

    class Documented(kind):
        def configuration(self):
            text = block(language)
            for shipped, here in {
                "/etc/ssl/siem/ca.pem": self.authority.file,
                "/etc/ssl/siem/server.pem": self.certificate,
                "/etc/ssl/siem/server.key": self.key,
                "/var/log/cedrina/": f"{self.folder}/",
                "6514": str(self.port),
            }.items():
                assert shipped in text
                text = text.replace(shipped, here)
            return text

    return Documented


@pytest.mark.process
@pytest.mark.parametrize("kind", [documented(Rsyslog, "rsyslog"), documented(SyslogNg, "syslog-ng")])
def test_a_documented_receiver_writes_events_and_checkpoints_to_files_of_their_own(tmp_path, kind):
    authority = Authority(tmp_path)
    with syslog_receivers.running(kind(tmp_path, authority=authority)) as receiver:
        origin = SyslogOrigin("id.example.org", has_bom=False)
        sent = [
            message(text, severity=6, timestamp="2026-03-01T12:00:00Z", message_id=each, parameters={}, origin=origin)
            for text, each in zip(TEXTS, MESSAGE_IDS, strict=True)
        ]
        SyslogSender(("localhost", receiver.port), tls=TlsFiles(ca=authority.file)).send(sent)

        for name, text in zip(("events.ndjson", "checkpoints.ndjson"), TEXTS, strict=True):
            receiver.output = tmp_path / name
            assert receiver.lines(count=1) == [text]
            assert json.loads(text)


def test_the_page_has_each_option():
    named = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`[^|]*`) \|", PAGE, re.MULTILINE))))

    assert set(OPTIONS) <= named


def test_the_example_can_be_read():
    urls = re.search(r"^AUDIT_SINKS=(.*)$", PAGE, re.MULTILINE)[1].split(",")

    assert [target.name.partition("#")[0] for target in read_sinks(urls)] == [
        "syslog+tls://siem.example.com:6514",
        "https://archive.example.com",
    ]
