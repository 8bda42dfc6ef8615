"""deploy/without_engine: the services of docker-compose.yml, a person at the front door, the loss of each service."""

import json
import os
import re
import signal
import ssl
import subprocess
import sys
from types import SimpleNamespace

import httpx
import psycopg
import pytest

from cedrina.tooling.embedded import accounts, processes
from tests.deployment import composed
from tests.deployment.clusters import wait_until
from tests.peers.mail_server import MailServer
from tests.programs import served

# Each service has a loopback address of its own.
ADDRESSES = [f"127.30.87.{number}" for number in range(20, 40)]
pytestmark = [pytest.mark.slow, pytest.mark.allow_hosts(["127.0.0.1", *ADDRESSES])]
HOST = "id.example.org"
PASSWORD = "four quiet green lamps"
READY_SECONDS = 240


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    folder = tmp_path_factory.mktemp("settings")
    composed.made_files(folder)
    mail = MailServer().start()
    settings = folder / "cedrina.env"
    lines = [line for line in settings.read_text().splitlines() if not line.startswith(("EMAIL_URL", "BCRYPT_ROUNDS"))]
    settings.write_text("\n".join([*lines, f"EMAIL_URL={mail.url}", "BCRYPT_ROUNDS=10", ""]))
    state = accounts.temporary_directory(accounts.postgres_user())
    log = (folder / "log").open("w+")
    process = subprocess.Popen(
        [sys.executable, served.ROOT / "deploy" / "without_engine" / "run.py", "--settings", folder, "--state", state],
        stdout=log, stderr=log, start_new_session=True, preexec_fn=processes.ends_with_parent(signal.SIGTERM),
    )  # fmt: skip

    def is_ready():
        assert process.poll() is None, (folder / "log").read_text()
        return "ready: " in (folder / "log").read_text()

    try:
        wait_until(is_ready, seconds=READY_SECONDS)
        yield SimpleNamespace(
            url=(folder / "log").read_text().partition("ready: ")[2].strip(), state=state, mail=mail, process=process,
            values=composed.read(folder / ".env"),
        )  # fmt: skip
    finally:
        processes.stop(process, with_signal=signal.SIGTERM, patience=60)
        mail.stop()
        log.close()
        accounts.remove_tree(state)


@pytest.fixture(scope="module")
def client(running):
    """Give a client that verifies the certificate of the front door."""
    trusted = ssl.create_default_context(cafile=str(running.state / "deploy" / "nginx" / "certificate.pem"))
    with httpx.Client(base_url=running.url, headers={"Host": HOST}, verify=trusted, timeout=30) as client:
        # The name of the certificate, as a browser that was sent here by the DNS asks for it.
        extensions = {"sni_hostname": HOST}
        yield lambda method, path, body=None, token="": client.request(
            method, path, json=body, extensions=extensions,
            headers={"Authorization": f"Bearer {token}"} if token else {},
        )  # fmt: skip


def services(running):
    return json.loads((running.state / "services.json").read_text())


@pytest.fixture(scope="module")
def tokens(running, client):
    """Give the tokens of a person who came through the front door, confirmed their address and signed in."""
    body = {"username": "ada", "email": "ada@example.com", "password": PASSWORD}
    assert client("POST", "/api/v1/auth/register", body).status_code == 202
    text = running.mail.wait_for(1)[0].get_body(("plain",)).get_content()
    token = re.search(r"/(cdm_[A-Za-z0-9_-]+)", text)[1]
    confirmed = client("POST", "/api/v1/auth/confirm-email", {"token": token, "password": PASSWORD})
    assert confirmed.status_code == 200, confirmed.text
    signed_in = client("POST", "/api/v1/auth/login", {"username": "ada", "password": PASSWORD})
    assert signed_in.status_code == 200, signed_in.text
    return signed_in.json()["tokens"]


def asks(running, name, path):
    found = services(running)[name]
    port = {"prometheus": 9090, "alertmanager": 9093}[name]
    try:
        return httpx.get(f"http://{found['address']}:{port}{path}", timeout=5)
    except httpx.TransportError:
        return httpx.Response(599)


def streams(running):
    """Return who receives the WAL of the primary."""
    password = running.values["SUPERUSER_PASSWORD"]
    host = services(running)["postgres"]["address"]
    try:
        with psycopg.connect(f"postgresql://postgres:{password}@{host}/cedrina", connect_timeout=2) as connection:
            return {row[0] for row in connection.execute("SELECT application_name FROM pg_stat_replication")}
    except psycopg.OperationalError:
        return set()


class TestTheInstallation:
    def test_serves_a_person_at_the_front_door(self, running, client, tokens):
        me = client("GET", "/api/v1/auth/me", token=tokens["access_token"])
        assert (me.status_code, me.json()["username"]) == (200, "ada")
        assert client("GET", "/api/v1/auth/me/security-events", token=tokens["access_token"]).status_code == 200
        assert me.headers["Strict-Transport-Security"]

    def test_is_watched_copied_and_backed_up(self, running):
        wait_until(lambda: streams(running) == {"walreceiver", "cedrina_backup"})
        wait_until(lambda: list((running.state / "volumes" / "backup" / "backup" / "base").glob("2*")) != [])
        assert asks(running, "alertmanager", "/-/healthy").status_code == 200

        def scraped():
            targets = asks(running, "prometheus", "/api/v1/targets").json()["data"]["activeTargets"]
            return [target["health"] for target in targets] == ["up"]

        wait_until(scraped, message="Prometheus does not reach the server")

    @pytest.mark.parametrize(
        "name",
        [
            "web", "web2", "redis", "pgbouncer", "nginx", "worker", "sockets", "replica", "receive-wal", "backup",
            "prometheus", "alertmanager", "postgres",
        ],
    )  # fmt: skip
    def test_recovers_when_a_service_is_killed(self, running, client, tokens, name):
        before = services(running)[name]["pid"]
        os.killpg(before, signal.SIGKILL)
        wait_until(lambda: services(running)[name]["pid"] != before, message=f"{name} was not started again")

        def is_ready():
            """Return whether both servers answer; asked without a token, since refreshes are limited."""
            try:
                return all(client("GET", "/readyz").status_code == 200 for _ in range(6))
            except httpx.TransportError:
                return False

        wait_until(is_ready)

        def is_refreshed():
            answer = client("POST", "/api/v1/auth/refresh", {"refresh_token": tokens["refresh_token"]})
            assert answer.status_code in (200, 503), answer.text
            if answer.status_code == 200:
                tokens.update(answer.json())
            return answer.status_code == 200

        wait_until(is_refreshed)
        wait_until(lambda: client("GET", "/api/v1/auth/me", token=tokens["access_token"]).status_code == 200)
        if name in ("prometheus", "alertmanager"):
            wait_until(lambda: asks(running, name, "/-/ready").status_code == 200)
        if name in ("replica", "receive-wal", "postgres"):
            wait_until(lambda: streams(running) == {"walreceiver", "cedrina_backup"})
        if name == "worker":
            sent = len(running.mail.accepted)
            body = {"username": "bob", "email": "bob@example.com", "password": PASSWORD}
            assert client("POST", "/api/v1/auth/register", body).status_code == 202
            wait_until(lambda: len(running.mail.accepted) > sent)
