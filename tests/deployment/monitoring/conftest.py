"""One installation that is watched: HTTP by two workers, WebSockets, the background worker, and Prometheus."""

from contextlib import ExitStack, contextmanager
from typing import NamedTuple

import pytest

from tests.deployment.monitoring.prometheus_tools import Prometheus
from tests.journeys.person import Person
from tests.peers.mail_server import MailServer, worker
from tests.programs import served


class Installation(NamedTuple):
    http: served.Served
    sockets: served.Served
    folder: object
    mail: MailServer


@contextmanager
def running_mail_server():
    server = MailServer().start()
    try:
        yield server
    finally:
        server.release()
        server.stop()


@pytest.fixture(scope="package")
def installation(tmp_path_factory):
    """Processes with one folder of figures."""
    folder = tmp_path_factory.mktemp("figures")
    with ExitStack() as everything:
        url = everything.enter_context(served.database())
        mail = everything.enter_context(running_mail_server())
        options = {"database_url": url, "METRICS_DIR": str(folder), "EMAIL_URL": mail.url, "HASHING_THREADS": "1"}
        http = everything.enter_context(served.serving(**options, flags=("--http",), WEB_CONCURRENCY="2"))
        sockets = everything.enter_context(served.serving(**options, flags=("--sockets",)))
        everything.enter_context(worker(http))
        yield Installation(http, sockets, folder, mail)


@pytest.fixture(scope="package")
def prometheus(installation, tmp_path_factory):
    server = installation.http
    person = Person(server)
    person.register()
    person.sign_in(password="wrong")
    person.sign_in()
    person.refresh()
    assert person.send("GET", "/auth/me").status_code == 200
    person.close()
    running = Prometheus(tmp_path_factory.mktemp("prometheus"), server.url.removeprefix("http://"))
    try:
        running.until("rate(cedrina_http_requests_total[1m])")
        running.until("cedrina:errors:ratio_rate5m")
        yield running
    finally:
        running.stop()
