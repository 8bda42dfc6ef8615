"""docs/shared-signals.md: its receiver gets real signals, and its tables are those of the code."""

import queue
import re
import socket
import subprocess
import sys
import threading
import time

import pytest
from rest_framework.test import APIClient

from accounts.shared_signals import CREDENTIAL_TYPES, FEDERATED_IDENTITY
from tests.factories.signals import PUSH, Receiver, deliver, sign_out
from tests.factories.tokens import open_session
from tests.peers.signal_receiver import OUTBOUND
from tests.programs import served
from tests.programs.ports import free_port
from tokens import end_reasons

PAGE = (served.ROOT / "docs" / "shared-signals.md").read_text(encoding="utf-8")
CREDENTIAL = "Bearer a-long-random-secret"


@pytest.fixture
def program(tmp_path):
    (found,) = re.findall(r"^`shop/receiver\.py`\n\n```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    path = tmp_path / "receiver.py"
    path.write_text(found)
    assert len(found.splitlines()) <= 45
    return path


def lines_of(stream):
    """Return a queue of the lines that a process prints."""
    lines = queue.Queue()
    threading.Thread(target=lambda: [lines.put(line.strip()) for line in stream], daemon=True).start()
    return lines


@pytest.mark.django_db(transaction=True)
def test_the_receiver_of_the_page_ends_a_session_once(live_server, settings, program):
    settings.TOKENS = {**settings.TOKENS, "ISSUER": live_server.url}
    port = free_port()
    settings.CEDRINA_BASE = {**settings.CEDRINA_BASE, **OUTBOUND, "OUTBOUND_ALLOWED_PORTS": [port]}
    receiver = Receiver(APIClient())
    command = [sys.executable, str(program), live_server.url, str(receiver.client.pk), CREDENTIAL, str(port)]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        wait_for(port, running)
        delivery = {
            "method": PUSH,
            "endpoint_url": f"http://127.0.0.1:{port}/events",
            "authorization_header": CREDENTIAL,
        }
        stream = receiver.create(delivery=delivery)
        session_id = sign_out(open_session())
        deliver(stream)
        assert lines_of(running.stdout).get(timeout=120) == f"end the session {session_id}"
    finally:
        running.kill()
        running.wait()
        running.stdout.close()


def wait_for(port, running):
    """Wait until a process listens."""
    while running.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise AssertionError("the receiver did not start")


def test_the_page_lists_the_reasons_and_who_causes_them():
    listed = dict(re.findall(r"^\| `([a-z_]+)` \| .+ \| `(user|admin|policy|system)` \|$", PAGE, re.MULTILINE))

    assert listed == {reason.code: str(reason.initiated_by) for reason in end_reasons.declared()}


def test_the_page_lists_the_types_of_credentials():
    for credential_type in ("password", FEDERATED_IDENTITY, *CREDENTIAL_TYPES.values()):
        assert re.search(rf"^\| .+ \| `{credential_type}` \|", PAGE, re.MULTILINE)
