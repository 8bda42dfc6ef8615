"""The receivers of docs/webhooks.md, as they are written there, get real messages."""

import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager

import pytest
from django.utils import timezone

from accounts.event_types import LOGIN_SUCCEEDED
from security_events.delivery import sender
from security_events.models import WebhookDelivery
from security_events.services.recording import record
from tests.factories.webhooks import allow_loopback, make_webhook
from tests.programs import node_packages
from tests.programs.ports import free_port
from tests.programs.served import ROOT

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.process]
VERIFIER = ROOT / "tests" / "clients" / "webhook_verifier"


def program(language):
    text = (ROOT / "docs" / "webhooks.md").read_text(encoding="utf-8")
    (found,) = re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)
    return found


@contextmanager
def started(command, **options):
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **options)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_for(port):
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", data=b"{}", timeout=120)
        except urllib.error.HTTPError as refusal:
            return refusal.code
        except OSError:
            time.sleep(0.05)
    pytest.fail("The receiver did not start.")


@pytest.mark.parametrize("language", ["python", "javascript"])
def test_a_receiver_of_the_page_takes_messages_and_refuses_unsigned_ones(language, settings, tmp_path):
    if language == "javascript":
        node_packages.install(VERIFIER)
        # Node.js looks for packages beside the program.
        file, command = tmp_path / "receiver.mjs", ["node", "receiver.mjs"]
        shutil.copytree(VERIFIER / "node_modules", tmp_path / "node_modules")
    else:
        file, command = tmp_path / "receiver.py", [sys.executable, "receiver.py"]
    file.write_text(program(language), encoding="utf-8")
    port = free_port()
    url = f"http://127.0.0.1:{port}/cedrina"
    allow_loopback(settings, url)
    now = timezone.now()
    made = make_webhook(url, now=now, types=[LOGIN_SUCCEEDED.id])
    environment = {**os.environ, "WEBHOOK_SECRET": made.secret, "PORT": str(port)}

    with started(command, cwd=tmp_path, env=environment) as process:
        assert wait_for(port) == 401  # unsigned
        record(LOGIN_SUCCEEDED)
        sender.deliver(made.webhook.pk, now=now)

        assert process.stdout.readline() == "authentication.login_succeeded\n"
    assert [row.status for row in WebhookDelivery.objects.all()] == ["delivered"]
