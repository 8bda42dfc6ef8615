"""The sinks of AUDIT_SINKS, from recorded events and sealed checkpoints to what arrives."""

import json
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from accounts.event_types import LOGIN_SUCCEEDED
from security_events.delivery import configured_sinks, delivery_risks, kinds, schedule, sender, sink_rows
from security_events.exporters.formats import ExportFormat
from security_events.models import Sink, SinkRisk, SinkState, TrailCheckpoint
from security_events.selectors.trail import START, events_after
from security_events.services.recording import record
from security_events.services.trail import sealing
from security_events.sinks import sink_urls
from security_events.types import Subject
from tests.security_events.sinks import syslog_receivers
from tests.security_events.sinks.certificates import Authority
from tests.security_events.sinks.syslog_receivers import SyslogNg

pytestmark = pytest.mark.django_db(transaction=True)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
NAME = 'زهرا ]"\\ 🦊'


@pytest.fixture(autouse=True)
def _kinds():
    kinds.load()


@pytest.fixture
def use_sinks(settings):
    def use(*urls, **others):
        settings.SECURITY_EVENTS = {**settings.SECURITY_EVENTS, "SINKS": urls, **others}
        configured_sinks.synchronise(now=NOW)

    return use


def record_events(count):
    return [str(record(LOGIN_SUCCEEDED, actor=Subject("42", NAME))) for _ in range(count)]


def sink_of(kind):
    return Sink.objects.get(kind=kind)


def deliver(kind, *, now=NOW):
    return sender.deliver(sink_of(kind).pk, now=now)


def due():
    found = sink_rows.due_sinks(kinds=kinds.KINDS, checkpoint_kinds=kinds.checkpoint_kinds(), now=NOW)
    return {Sink.objects.get(pk=each).kind for each in found}


def lines(path):
    return path.read_text().splitlines()


class TestSynchronise:
    def test_makes_a_row_for_what_each_url_is_sent(self, use_sinks):
        use_sinks("syslog+tls://siem.example.com", "/var/log/notes", "/var/log/events?content=events")

        assert set(Sink.objects.values_list("kind", "name")) == {
            ("syslog", "syslog+tls://siem.example.com:6514"),
            ("checkpoint_syslog", "syslog+tls://siem.example.com:6514"),
            ("checkpoint_file", "file:///var/log/notes"),
            ("file", "file:///var/log/events"),
        }

    def test_keeps_the_position_while_a_url_is_gone(self, use_sinks, tmp_path):
        url = f"{tmp_path}/events?content=events"
        use_sinks(url)
        first = record_events(2)
        deliver("file")
        use_sinks()
        assert not sink_of("file").is_enabled
        second = record_events(2)

        use_sinks(url + "&format=cef")
        deliver("file")

        written = lines(tmp_path / "events")
        assert [json.loads(line)["id"] for line in written[:2]] == first
        assert [event_id in line for line, event_id in zip(written[2:], second, strict=True)] == [True, True]
        assert written[2].startswith("CEF:0|")

    def test_begins_with_new_events_unless_the_oldest_are_asked_for(self, use_sinks, tmp_path):
        old = record_events(1)
        use_sinks(f"{tmp_path}/new?content=events", f"{tmp_path}/all?content=events&from=oldest")
        new = record_events(1)

        for sink in Sink.objects.all():
            sender.deliver(sink.pk, now=NOW)

        assert [json.loads(line)["id"] for line in lines(tmp_path / "new")] == new
        assert {*old, *new} <= {json.loads(line)["id"] for line in lines(tmp_path / "all")}

    def test_leaves_sinks_of_other_kinds_alone(self, use_sinks):
        webhook = Sink.objects.create(kind="webhook", name="hook", event_id=START.event_id, created_at=NOW)

        use_sinks()

        webhook.refresh_from_db()
        assert webhook.is_enabled


def test_the_formats_of_urls_are_those_of_exports():
    assert tuple(ExportFormat) == sink_urls.FORMATS


class TestFiles:
    def test_a_killed_process_repeats_no_line(self, use_sinks, tmp_path):
        use_sinks(f"{tmp_path}/events?content=events")
        recorded = record_events(3)
        before = Sink.objects.values("transaction_id", "event_id").get(kind="file")
        deliver("file")
        # As after a kill between the write and the stored position, in a process that remembers nothing.
        Sink.objects.filter(kind="file").update(**before)
        kinds.KINDS["file"]._ends.clear()
        recorded += record_events(2)

        assert deliver("file") == 5

        assert [json.loads(line)["id"] for line in lines(tmp_path / "events")] == recorded

    def test_a_file_that_can_not_be_written_is_tried_again_soon_and_loses_nothing(self, use_sinks, tmp_path):
        use_sinks(f"{tmp_path}/folder/events?content=events")
        recorded = record_events(2)

        assert deliver("file") == 0
        failing = sink_of("file")
        (tmp_path / "folder").mkdir()
        later = NOW + timedelta(seconds=2)
        assert deliver("file", now=later) == 2

        assert (failing.state, failing.attempts) == (SinkState.FAILING, 1)
        assert "No such file or directory" in failing.last_error
        assert failing.next_attempt_at <= later
        assert [json.loads(line)["id"] for line in lines(tmp_path / "folder" / "events")] == recorded

    def test_an_outage_is_waited_for_76_hours_before_the_sink_is_parked(self):
        minute = timedelta(minutes=1)

        assert schedule.delay_after(attempts=4000, is_parked=False, delays=schedule.SHORT_DELAYS) < 2 * minute
        assert not schedule.is_given_up(attempts=4600, failing_for=timedelta(hours=75), delays=schedule.SHORT_DELAYS)


class TestCheckpoints:
    def test_each_goes_to_a_file_as_the_note_that_was_signed(self, use_sinks, tmp_path):
        record_events(1)
        sealing.seal(now=NOW)
        use_sinks(f"{tmp_path}/notes")
        assert due() == {"checkpoint_file"}  # the newest one is not known outside yet

        for _ in range(3):
            deliver("checkpoint_file")
            assert due() == set()
            record_events(2)
            assert due() == set()
            sealing.seal(now=NOW)
            assert due() == {"checkpoint_file"}
        deliver("checkpoint_file")

        notes = list(TrailCheckpoint.objects.order_by("size").values_list("note", flat=True))
        assert len(notes) == 4
        assert (tmp_path / "notes").read_text() == "".join(f"{note}\n" for note in notes)

    def test_an_outage_is_caught_up_in_order(self, use_sinks, tmp_path):
        use_sinks(f"{tmp_path}/missing/notes")
        for _ in range(3):
            record_events(1)
            sealing.seal(now=NOW)
            deliver("checkpoint_file")
        (tmp_path / "missing").mkdir()

        assert deliver("checkpoint_file", now=NOW + timedelta(hours=1)) == 3

        sizes = [line for line in lines(tmp_path / "missing" / "notes") if line.isdecimal()]
        assert sizes == [str(size) for size in TrailCheckpoint.objects.order_by("size").values_list("size", flat=True)]

    def test_each_is_posted_to_a_webhook_until_it_is_taken(self, use_sinks, settings):
        settings.CEDRINA_BASE = {
            "OUTBOUND_ALLOWED_NETWORKS": ["127.0.0.0/8"],
            "OUTBOUND_ALLOWED_PORTS": range(1, 65536),
            "OUTBOUND_PLAIN_HTTP": True,
        }
        with Hook([500, 302, 200]) as hook:
            use_sinks(f"{hook.url}/secret")
            record_events(1)
            sealing.seal(now=NOW)

            taken = [deliver("checkpoint_webhook", now=NOW + timedelta(hours=hour)) for hour in range(3)]

        assert taken == [0, 0, 1]
        checkpoint = TrailCheckpoint.objects.get()
        assert len({(headers["webhook-id"], body) for headers, body in hook.received}) == 1
        headers, body = hook.received[-1]
        assert headers["webhook-id"] == f"checkpoint_{checkpoint.size}"
        assert json.loads(body)["type"] == "audit_trail.checkpoint_created"
        assert json.loads(body)["data"]["note"] == checkpoint.note

    def test_no_private_address_gets_one_unless_it_is_allowed(self, use_sinks, settings):
        settings.CEDRINA_BASE = {"OUTBOUND_ALLOWED_PORTS": range(1, 65536), "OUTBOUND_PLAIN_HTTP": True}
        with Hook([200]) as hook:
            use_sinks(f"{hook.url}/secret")
            record_events(1)
            sealing.seal(now=NOW)

            assert deliver("checkpoint_webhook") == 0

        assert hook.received == []
        assert sink_of("checkpoint_webhook").last_error == "forbidden_address"


@pytest.mark.process
class TestSyslog:
    def test_events_and_checkpoints_arrive_by_tls(self, use_sinks, tmp_path):
        authority = Authority(tmp_path)
        with syslog_receivers.running(SyslogNg(tmp_path, authority=authority)) as receiver:
            use_sinks(
                f"syslog+tls://localhost:{receiver.port}?ca={authority.file}&facility=local3&hostname=auth-1&bom=no"
                "&from=oldest"
            )
            record_events(600)
            sealing.seal(now=NOW)
            forms = [event.form for event in events_after(START, limit=1000)]

            assert deliver("syslog") == len(forms)
            assert deliver("checkpoint_syslog") == 1
            *messages, checkpoint = receiver.received(count=len(forms) + 1)

        assert len(forms) > 600
        assert [json.loads(each.partition(b'"] ')[2]) for each in messages] == forms
        assert all(each.startswith(b"<158>1 ") for each in messages[-600:-1])
        assert json.loads(checkpoint.partition(b'"] ')[2])["note"] == TrailCheckpoint.objects.get().note

    def test_what_may_be_lost_is_counted(self, use_sinks):
        use_sinks("syslog+tcp://siem.example.com")
        sink = sink_of("syslog")

        for messages in (3, 0, 4):
            delivery_risks.add(sink, messages, now=NOW)

        assert SinkRisk.objects.get(sink=sink).messages == 7

    def test_a_receiver_that_is_down_is_named_without_a_part_of_an_event(self, use_sinks):
        port = syslog_receivers.free_port()
        use_sinks(f"syslog+tcp://127.0.0.1:{port}")
        record_events(1)

        assert deliver("syslog") == 0

        assert sink_of("syslog").last_error == (
            "The connection failed: Connection refused. Check that the receiver runs."
        )


class Hook:
    """An HTTP server that keeps what it is sent and answers by a list of statuses."""

    def __init__(self, statuses):
        self.received = []
        received = self.received

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                self.send_response(statuses[min(len(received), len(statuses) - 1)])
                received.append((self.headers, body))
                self.send_header("location", "http://127.0.0.1:1/")
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
