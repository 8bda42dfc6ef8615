"""Spans of real processes, as a collector gets them: what belongs together, and that nothing personal is in them."""

import json
import os
import secrets
import time

import psycopg
import pytest

from tests.journeys.person import NEW_PASSWORD, PASSWORD, Person
from tests.mailbox import LINK
from tests.peers.mail_server import MailServer, worker
from tests.peers.span_receiver import collecting
from tests.peers.webhook_receiver import receiving
from tests.programs import served

pytestmark = pytest.mark.process

CLIENT_ADDRESS = "198.51.100.77"
USER_AGENT = "PlantedAgent/7.7"
COLLECTOR_KEY = "planted-collector-key"
TRACE, CALLER = secrets.token_hex(16), secrets.token_hex(8)
SERVER, CLIENT, CONSUMER = 2, 3, 5  # opentelemetry-proto, trace.proto, SpanKind
ALLOWED = {
    "http.request.method",
    "http.route",
    "http.response.status_code",
    "cedrina.correlation_id",
    "cedrina.job.attempt",
    "db.system.name",
    "db.operation.name",
    "db.query.text",
    "error.type",
    "messaging.system",
    "messaging.operation.type",
    "messaging.destination.name",
    "server.address",
}


def wait_until(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


class Told:
    """What the collector was told of a story, and what the story's secrets are."""

    def __init__(self, collector):
        self.collector = collector
        self.secrets = [PASSWORD, NEW_PASSWORD, CLIENT_ADDRESS, USER_AGENT, COLLECTOR_KEY, *served.SECRETS.values()]

    def learn(self, answer):
        """Keep the tokens and cookies of an answer, and return its body."""
        self.secrets += [cookie.value for cookie in answer.cookies.jar]
        body = answer.json() if answer.content else {}
        for member in ("access_token", "refresh_token"):
            self.secrets += [body[member]] if body.get(member) else []
        return body


@pytest.fixture(scope="module")
def told():
    with collecting() as collector, receiving() as hook, served.database() as url:
        story, post = Told(collector), MailServer().start()
        port = hook.url.split(":")[2].split("/")[0]
        settings = {
            "CEDRINA_ENV": "development",
            "EMAIL_URL": post.url,
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_EXPORTER_OTLP_HEADERS": f"authorization=Bearer%20{COLLECTOR_KEY}",
            "OUTBOUND_ALLOWED_NETWORKS": "127.0.0.0/8",
            "OUTBOUND_ALLOWED_PORTS": f"443,{port}",
            "REDIS_URL": os.environ["REDIS_URL"],
            "TRUSTED_PROXIES": "127.0.0.0/8",
        }
        try:
            with served.serving(database_url=url, flags=("--http",), **settings) as site:
                with worker(site) as running:
                    play(story, site, post, hook)
                    running.end()  # what it has recorded is sent when it ends
                break_the_tables(url)
                refused = story.person.sign_in(password=NEW_PASSWORD)
                story.person.close()
                assert refused.status_code == 500
        finally:
            post.stop()
        yield story


def play(story, site, post, hook):
    """Register, confirm nothing, sign in, refresh, forget the password, reset it; an administrator adds a webhook."""
    person = story.person = Person(site, user_agent=USER_AGENT)
    story.secrets += [person.name, person.address]
    person.client.headers["X-Forwarded-For"] = CLIENT_ADDRESS
    assert person.register().status_code in (201, 202)
    parent = {"traceparent": f"00-{TRACE}-{CALLER}-01", "tracestate": "vendor=planted-state"}
    signed_in = person.send(
        "POST",
        "/auth/login?planted=query-string",
        {"username": person.name, "password": PASSWORD},
        token="",
        headers=parent,
    )
    tokens = story.learn(signed_in)["tokens"]
    story.secrets += [tokens["access_token"], tokens["refresh_token"], "planted-state", "query-string"]
    story.correlation_id = signed_in.headers["X-Correlation-ID"]
    refreshed = person.send("POST", "/auth/refresh", {"refresh_token": tokens["refresh_token"]}, token="")
    assert refreshed.status_code == 200
    story.learn(refreshed)
    assert person.me(token=refreshed.json()["access_token"]).status_code == 200
    assert person.send("POST", "/auth/forgot-password", {"email": person.address}, token="").status_code == 202
    links = [LINK.search(mail.get_body(("plain",)).get_content()) for mail in post.wait_for(2)]
    story.secrets += [link[3] for link in links]
    (reset,) = (link[3] for link in links if link[2] == "reset-password")
    body = {"token": reset, "new_password": NEW_PASSWORD}
    assert person.send("POST", "/auth/reset-password", body, token="").status_code in (200, 204)
    deliver(story, site, hook)


def deliver(story, site, hook):
    made = json.loads(site.manage("create_admin", "--username", "keeper", "--email", "keeper@example.com", "--json"))
    with site.client() as client:
        tokens = client.post("/auth/login", json={"username": "keeper", "password": made["password"]}).json()["tokens"]
        client.headers["Authorization"] = f"Bearer {tokens['access_token']}"
        webhook = client.post("/admin/webhooks", json={"url": hook.url}).json()
    story.secrets += [
        made["password"],
        tokens["access_token"],
        tokens["refresh_token"],
        webhook["secret"],
        "hook?key",
        "keeper@example.com",
    ]
    wait_until(lambda: hook.received)


def break_the_tables(url):
    """Let a statement of a sign-in fail as no outage does."""
    with psycopg.connect(url) as connection:
        connection.execute("ALTER TABLE accounts_user RENAME COLUMN email TO another_name")


def only(spans):
    (found,) = spans
    return found


class TestRequests:
    def test_go_on_with_the_trace_of_a_trusted_proxy(self, told):
        span = only(span for span in told.collector.spans if span.parent == CALLER)
        assert (span.name, span.kind, span.trace) == ("POST login", SERVER, TRACE)
        assert span.attributes == {
            "http.request.method": "POST",
            "http.route": "login",
            "http.response.status_code": 200,
            "cedrina.correlation_id": told.correlation_id,
        }

    def test_contain_their_statements_and_their_rate_check(self, told):
        sign_in = only(span for span in told.collector.spans if span.parent == CALLER)
        within = [span for span in told.collector.trace_of(sign_in) if span.parent == sign_in.id]
        assert {span.kind for span in within} == {CLIENT}
        assert [span.name for span in within if span.attributes["db.system.name"] == "redis"] == ["EVALSHA"]
        texts = [span.attributes["db.query.text"] for span in within if "db.query.text" in span.attributes]
        assert any("INSERT INTO tokens_session" in text and "%(session_id)s" in text for text in texts), texts
        refresh = told.collector.named("POST refresh")[0]
        assert (
            len([s for s in told.collector.trace_of(refresh) if s.attributes.get("db.system.name") == "postgresql"])
            == 1
        )

    def test_are_each_a_trace_of_their_own(self, told):
        roots = [span for span in told.collector.spans if span.kind == SERVER]
        assert len({span.trace for span in roots}) == len(roots) > 6
        assert all(span.parent == "" for span in roots if span.trace != TRACE)
        assert "GET livez" not in {span.name for span in roots}

    def test_that_fail_say_by_which_error_and_nothing_of_it(self, told):
        failed = only(span for span in told.collector.named("POST login") if "error.type" in span.attributes)
        assert (failed.attributes["http.response.status_code"], failed.attributes["error.type"]) == (500, "500")
        statement = only(
            span for span in told.collector.trace_of(failed) if span.attributes.get("error.type", "500") != "500"
        )
        assert statement.attributes["error.type"] == "ProgrammingError"
        assert statement.status.code == 2
        assert statement.status.message == ""


class TestJobs:
    def test_go_on_with_the_trace_of_their_request(self, told):
        asked = only(told.collector.named("POST forgot-password"))
        jobs = [span for span in told.collector.trace_of(asked) if span.kind == CONSUMER]
        assert [span.name for span in jobs] == ["accounts.answer_mail_request", "accounts.send_mail"]
        assert jobs[0].parent in {span.id for span in told.collector.trace_of(asked)}
        assert jobs[0].attributes["messaging.destination.name"] == "mail"


class TestWebhooks:
    def test_name_their_receivers_machine_and_not_its_path(self, told):
        sent = [span for span in told.collector.named("POST") if span.kind == CLIENT]
        assert sent
        for span in sent:
            assert span.attributes == {
                "http.request.method": "POST",
                "server.address": "127.0.0.1",
                "http.response.status_code": 204,
            }


class TestWhatIsSent:
    @pytest.mark.attack("OWASP ASVS 5.0, 16.2.5")
    def test_has_nothing_secret_and_nothing_about_people(self, told):
        everything = b"\n".join(body for _path, _headers, body in told.collector.requests)
        assert len(told.collector.spans) > 50
        for secret in told.secrets:
            assert secret.encode() not in everything, secret

    def test_has_no_attribute_that_is_not_listed_and_no_event(self, told):
        for span in told.collector.spans:
            assert set(span.attributes) <= ALLOWED
            assert not span.events
            assert not span.links

    def test_goes_to_the_standard_path_with_the_given_header(self, told):
        assert {path for path, _headers, _body in told.collector.requests} == {"/v1/traces"}
        for _path, headers, _body in told.collector.requests:
            assert headers["authorization"] == f"Bearer {COLLECTOR_KEY}"

    def test_names_the_service_and_no_machine(self, told):
        for resource in told.collector.resources:
            assert resource["service.name"] == "cedrina"
            assert resource["deployment.environment.name"] == "development"
            named = {name for name in resource if not name.startswith("telemetry.sdk.")}
            assert named <= {"service.name", "service.version", "service.instance.id", "deployment.environment.name"}
