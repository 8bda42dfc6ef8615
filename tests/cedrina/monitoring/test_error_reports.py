"""Reports of errors to a Sentry: what arrives there, and that nothing secret or personal does."""

import gzip
import json
import logging
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from cedrina.monitoring.error_reports import MOST_AT_A_TIME, ErrorReporter
from tests.programs import forked_programs, served

SECRETS = ("planted-password-1", "wilhelmina@example.org", "198.51.100.77", "cdm_planted-token", "row-of-a-person")
# What a request, a log line and an error could give away.
PROGRAM = """
import logging, sys
import django
django.setup()
import sentry_sdk, structlog
from django.conf import settings
from cedrina.monitoring import error_reports
error_reports.start(settings.MONITORING["SENTRY_DSN"], environment=settings.ENVIRONMENT)
SECRETS = sys.argv[1:]
log = structlog.get_logger("cedrina.test")
sentry_sdk.set_user({"email": SECRETS[1], "ip_address": SECRETS[2]})
sentry_sdk.set_tag("token", SECRETS[3])
sentry_sdk.add_breadcrumb(message=SECRETS[4])

def sign_in(password):
    try:
        {}[SECRETS[4]]
    except KeyError as error:
        raise ValueError(f"{SECRETS[1]} with {password} from {SECRETS[2]}") from error

for _ in range(3):
    try:
        sign_in(SECRETS[0])
    except ValueError:
        log.exception("request_failed", path=f"/account/confirm-email/{SECRETS[3]}", email=SECRETS[1])
try:
    open(SECRETS[0])
except OSError:
    logging.getLogger("django.request").exception("Internal Server Error: %s", SECRETS[3])
log.error("no_exception", email=SECRETS[1])
sentry_sdk.flush(10)
"""


class Receiver:
    """A server that keeps the envelopes that are sent to it."""

    def __init__(self):
        self.bodies = []
        received = self.bodies

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                is_packed = self.headers.get("Content-Encoding") == "gzip"
                received.append(str(self.headers) + (gzip.decompress(body) if is_packed else body).decode())
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_arguments):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.dsn = f"http://key@127.0.0.1:{self.server.server_address[1]}/1"

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture(scope="module")
def envelopes():
    receiver = Receiver()
    try:
        environment = served.environment(
            SENTRY_DSN=receiver.dsn, DJANGO_SETTINGS_MODULE="cedrina.settings.dev", LOG_LEVEL="ERROR"
        )
        code, _, err = forked_programs.run(["-c", PROGRAM, *SECRETS], environment=environment)
        assert code == 0, err
    finally:
        receiver.stop()
    return receiver.bodies


def events(envelopes):
    lines = [line for body in envelopes for line in body.splitlines() if line.startswith('{"')]
    return [event for event in map(json.loads, lines) if "exception" in event]


@pytest.mark.process
class TestAReport:
    def test_says_which_error_it_was_and_where_once(self, envelopes):
        first, second = events(envelopes)
        assert [value["type"] for value in first["exception"]["values"]] == ["KeyError", "ValueError"]
        assert first["transaction"] == "request_failed"
        assert [frame["function"] for frame in first["exception"]["values"][1]["stacktrace"]["frames"]] == [
            "<module>",
            "sign_in",
        ]
        assert [value["type"] for value in second["exception"]["values"]] == ["FileNotFoundError"]
        assert "transaction" not in second

    @pytest.mark.attack("OWASP ASVS 5.0, 16.2.5")
    def test_has_nothing_secret_and_nothing_about_people(self, envelopes):
        everything = "".join(envelopes)
        assert everything
        for secret in (*SECRETS, served.SECRETS["SECRET_KEY"], str(served.ROOT)):
            assert secret not in everything
        for event in events(envelopes):
            assert not event.keys() & {"user", "request", "breadcrumbs", "tags", "extra", "contexts", "server_name"}


class TestTheReporter:
    def record(self, error):
        return logging.LogRecord("a", logging.ERROR, "", 1, "text", (), (type(error), error, error.__traceback__))

    def test_sends_the_same_error_again_after_a_minute_only(self):
        now, sent = [100.0], []
        reporter = ErrorReporter(sent.append, clock=lambda: now[0])
        for moment, expected in ((100, 1), (159.9, 1), (160, 2)):
            now[0] = moment
            reporter.emit(self.record(ValueError("a")))
            assert len(sent) == expected

    def test_sends_few_different_errors_at_a_time(self):
        sent = []
        reporter = ErrorReporter(sent.append, clock=lambda: 100.0)
        for number in range(100):
            reporter.emit(self.record(type(f"Error{number}", (Exception,), {})("a")))
        assert len(sent) == MOST_AT_A_TIME
