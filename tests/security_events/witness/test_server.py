"""The server of a witness over HTTP: its limits, and its start and end as a process."""

import json
import signal
import socket
import subprocess
import sys
import threading

import httpx
import pytest

from security_events.witness import server as server_module
from security_events.witness.cosigned_checkpoints import CosignedCheckpoints, origin_hash
from security_events.witness.protocol import LARGEST_REQUEST, Witness
from security_events.witness.server import CONNECTIONS, WitnessServer
from tests.programs import served
from tests.security_events.verifier.made_trail import KEYS, ORIGIN
from tests.security_events.witness.test_protocol import NAME, PRIVATE_KEY, TO_8, of, offer


@pytest.fixture
def address(tmp_path):
    checkpoints = CosignedCheckpoints(tmp_path)
    witness = Witness(name=NAME, private_key=PRIVATE_KEY, logs=KEYS[:1], checkpoints=checkpoints)
    with WitnessServer(("127.0.0.1", 0), witness) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_address
        server.shutdown()
        thread.join()


@pytest.fixture
def client(address):
    with httpx.Client(base_url="http://{}:{}".format(*address)) as client:
        yield client


def raw(address, request):
    with socket.create_connection(address, timeout=120) as connection:
        connection.sendall(request)
        answer = b""
        while received := connection.recv(4096):
            answer += received
    return answer


class TestTheServer:
    def test_signs_and_shows_checkpoints_over_one_connection(self, client):
        assert client.post("/add-checkpoint", content=offer(0, of(4))).status_code == 200
        conflict = client.post("/add-checkpoint", content=offer(0, of(8)))
        assert (conflict.status_code, conflict.text) == (409, "4\n")
        assert conflict.headers["Content-Type"] == "text/x.tlog.size"
        assert client.post("/add-checkpoint", content=offer(4, of(8), TO_8)).status_code == 200
        assert "\n8\n" in client.get(f"/{origin_hash(ORIGIN)}/checkpoint").text
        assert client.post("/other", content=b"").status_code == 404
        assert client.get("/add-checkpoint").status_code == 404

    @pytest.mark.parametrize(
        ("headers", "status"),
        [
            (b"", 411),
            (b"Content-Length: -1\r\n", 411),
            (b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n", 411),
            (f"Content-Length: {LARGEST_REQUEST + 1}\r\n".encode(), 413),
            (b"Content-Length: 99999999999999999999\r\n", 413),
        ],
    )
    def test_reads_no_body_of_unknown_or_of_large_size(self, address, headers, status):
        answer = raw(address, b"POST /add-checkpoint HTTP/1.1\r\nHost: a\r\n" + headers + b"\r\n")
        assert answer.startswith(f"HTTP/1.1 {status}".encode())

    def test_ends_connections_that_take_too_long(self, monkeypatch, address):
        monkeypatch.setattr(server_module, "CONNECTION_SECONDS", 0.2)
        assert raw(address, b"POST /add-checkpoint HTTP/1.1\r\nContent-Length: 5\r\n\r\nold")[:12] in {
            b"",
            b"HTTP/1.1 400",
        }

    def test_serves_others_while_many_wait(self, address, client):
        held = [socket.create_connection(address) for _ in range(CONNECTIONS - 1)]
        assert client.get("/").status_code == 404
        too_many = [socket.create_connection(address) for _ in range(5)]
        assert [each.recv(1) for each in too_many] == [b""] * 5
        for each in [*held, *too_many]:
            each.close()


@pytest.mark.process
class TestTheCommand:
    def test_makes_its_key_serves_and_ends(self, tmp_path):
        arguments = [sys.executable, "manage.py", "witness", "--name", NAME, "--state", str(tmp_path), "--json"]
        environment = served.environment(DATABASE_URL="postgres://nobody@127.0.0.1:1/none")
        started = [*arguments, "--log", str(KEYS[0]), "--bind", "127.0.0.1:0"]
        with subprocess.Popen(started, cwd=served.ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
            report = json.loads(process.stdout.readline())
            answer = httpx.post(f"http://{report['address']}/add-checkpoint", content=offer(0, of(4)))
            process.send_signal(signal.SIGTERM)
            assert process.wait(120) == 0
        assert answer.status_code == 200
        assert answer.text.startswith(f"— {NAME} ")
        assert (tmp_path / "key.pem").stat().st_mode & 0o777 == 0o600
        shown = subprocess.run(
            [*arguments, "--show-key"], cwd=served.ROOT, env=environment, capture_output=True, check=True
        )
        assert json.loads(shown.stdout) == {"key": report["key"]}
