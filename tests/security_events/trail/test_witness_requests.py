"""Checkpoints offered to real witnesses over HTTP; whatever they answer, the trail goes on."""

import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from security_events.models import SecurityEvent, TrailCheckpoint
from security_events.selectors.sealing.checkpoints import cosigned_note
from security_events.services.trail import sealing, verification, witness_requests, witnesses
from security_events.verifier import VerificationKey, parse_note, parse_verification_key, verify_note
from security_events.verifier.exports.checkpoint_files import KeptNote
from security_events.witness.cosigned_checkpoints import CosignedCheckpoints
from security_events.witness.protocol import Witness
from security_events.witness.server import WitnessServer
from tests.security_events.sealed import record_events
from tests.security_events.tampered import WITNESS, WITNESS_KEY, empty_trail

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def trail(now):
    empty_trail()
    record_events(20)
    sealing.seal_batch(now=now, limit=9)
    yield
    empty_trail()


@contextmanager
def served(server):
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield "http://{}:{}".format(*server.server_address[:2])
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def our_key():
    (key,) = {each.key for each in verification.stored_trusted_keys()}
    return key


@pytest.fixture
def witness_url(tmp_path):
    checkpoints = CosignedCheckpoints(tmp_path)
    witness = Witness(name=WITNESS_KEY.name, private_key=WITNESS, logs=[our_key()], checkpoints=checkpoints)
    with served(WitnessServer(("127.0.0.1", 0), witness)) as url:
        yield url


@pytest.fixture
def ask(settings):
    """Name the witnesses in the settings, and give what offering to them returns."""

    def configure(*named):
        ports = {int(url.rpartition(":")[2]) for _key, url in named}
        settings.CEDRINA_BASE = {
            "OUTBOUND_ALLOWED_NETWORKS": ["127.0.0.0/8"],
            "OUTBOUND_ALLOWED_PORTS": sorted(ports),
            "OUTBOUND_PLAIN_HTTP": True,
        }
        listed = [{"key": str(key), "url": f"{url}/"} for key, url in named]
        settings.SECURITY_EVENTS = {**settings.SECURITY_EVENTS, "AUDIT_WITNESSES": listed}
        assert witnesses.fault_of_witnesses() == ""

    return configure


@contextmanager
def answering(status, body=b"", content_type="text/plain", length=None):
    """Serve something that is no honest witness."""

    class Request(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body) if length is None else length))
            self.send_header("Location", "http://127.0.0.1:1/")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with served(ThreadingHTTPServer(("127.0.0.1", 0), Request)) as url:
        yield url


class TestOfferNewest:
    def test_keeps_the_signature_of_each_state_of_the_trail(self, now, ask, witness_url):
        ask((WITNESS_KEY, witness_url))
        assert witness_requests.offer_newest(now=now) == {WITNESS_KEY.name: True}
        assert witness_requests.offer_newest(now=now) == {}
        sealing.seal_batch(now=now, limit=4)
        sealing.seal(now=now)
        assert witness_requests.offer_newest(now=now) == {WITNESS_KEY.name: True}

        newest = TrailCheckpoint.objects.order_by("-size").first()
        note = parse_note(cosigned_note(newest))
        assert set(verify_note(note, [our_key(), WITNESS_KEY])) == {our_key(), WITNESS_KEY}
        report = verification.verify(now=now, witnesses=[WITNESS_KEY])
        assert report.ok
        assert report.not_covered.newest_outside_checkpoint_age is not None

    def test_goes_on_from_what_the_witness_has_seen(self, now, ask, witness_url):
        """As when its answer was lost: it has signed, and we don't know."""
        ask((WITNESS_KEY, witness_url))
        first = TrailCheckpoint.objects.get()
        body = witness_requests._body(first, 0)
        assert witness_requests._ask(witnesses.configured_witnesses()[0], body).status == 200
        sealing.seal(now=now)
        assert witness_requests.offer_newest(now=now) == {WITNESS_KEY.name: True}

    def test_is_not_held_up_by_witnesses_that_fail(self, now, ask, witness_url):
        forged = b"\xe2\x80\x94 witness.example AAAAAAAA\n"
        with (
            answering(500) as broken,
            answering(302) as elsewhere,
            answering(200, b"hello\n") as silent,
            answering(200, b"x" * 100_000) as long,
            answering(409, b"99\n") as untyped,
            answering(200, forged) as forging,
            socket.socket() as closed,
        ):
            closed.bind(("127.0.0.1", 0))
            down = f"http://127.0.0.1:{closed.getsockname()[1]}"
            urls = [broken, elsewhere, silent, long, untyped, forging, down]
            named = [(WITNESS_KEY._replace(name=f"{number}.example"), url) for number, url in enumerate(urls)]
            ask(*named, (WITNESS_KEY, witness_url))
            signed = witness_requests.offer_newest(now=now)
        assert signed == {**{key.name: False for key, _ in named}, WITNESS_KEY.name: True}
        assert not SecurityEvent.objects.filter(type="trail.witness_refused").exists()

    @pytest.mark.parametrize(
        ("answer", "reason"), [((409, b"99\n", "text/x.tlog.size"), "newer_tree"), ((422, b""), "other_tree")]
    )
    def test_raises_the_alarm_if_a_witness_has_seen_another_tree(self, now, ask, answer, reason):
        with answering(*answer) as url:
            ask((WITNESS_KEY, url))
            for _ in range(3):
                assert witness_requests.offer_newest(now=now) == {WITNESS_KEY.name: False}
        event = SecurityEvent.objects.get(type="trail.witness_refused")
        assert (event.severity, event.target_id, event.data["reason"]) == ("critical", WITNESS_KEY.name, reason)

    def test_never_offers_a_past_that_was_rewritten_without_being_noticed(self, now, ask, witness_url):
        ask((WITNESS_KEY, witness_url))
        witness_requests.offer_newest(now=now)
        kept = KeptNote(TrailCheckpoint.objects.get().note, 0.0)
        empty_trail()  # somebody begins anew, with other events and another key of the same name
        record_events(30)
        sealing.seal(now=now)
        assert witness_requests.offer_newest(now=now) == {WITNESS_KEY.name: False}
        assert verification.verify(now=now, outside=[kept]).first_wrong.reason == "key_unknown"


class TestFaultOfWitnesses:
    @pytest.mark.parametrize(
        ("listed", "fault"),
        [
            ([{"url": "https://a"}], "no key"),
            (["text"], "no key"),
            ([{"key": "text", "url": "https://a"}], "has the form"),
            ([{"key": str(WITNESS_KEY._replace(type=1)), "url": "https://a"}], "that of a log"),
            ([{"key": str(WITNESS_KEY), "url": "https://a"}] * 2, "same name"),
            ([{"key": str(WITNESS_KEY), "url": "ftp://a"}], "https://"),
        ],
    )
    def test_says_what_is_wrong(self, settings, listed, fault):
        settings.SECURITY_EVENTS = {**settings.SECURITY_EVENTS, "AUDIT_WITNESSES": listed}
        assert fault in witnesses.fault_of_witnesses()
