"""A webhook as an operator sees it: registered over the API, delivered by the worker, tested by the command."""

import json
import time

import pytest
from standardwebhooks import Webhook as ForeignWebhook

from tests.peers.mail_server import worker
from tests.peers.webhook_receiver import receiving
from tests.programs import served
from tests.programs.busy import Lateness

pytestmark = pytest.mark.process


def wait_until(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "nothing was delivered"
        time.sleep(0.02)


def test_events_arrive_within_about_a_second_of_their_commit_and_in_order():
    with receiving() as receiver, served.database() as url:
        port = receiver.url.split(":")[2].split("/")[0]
        outbound = {"OUTBOUND_ALLOWED_NETWORKS": "127.0.0.0/8", "OUTBOUND_ALLOWED_PORTS": f"443,{port}"}
        with served.serving(database_url=url, CEDRINA_ENV="development", **outbound) as site, site.client() as client:
            made = site.manage("create_admin", "--username", "keeper", "--email", "keeper@example.com", "--json")
            sign_in = {"username": "keeper", "password": json.loads(made)["password"]}
            tokens = client.post("/auth/login", json=sign_in).json()["tokens"]
            client.headers["Authorization"] = f"Bearer {tokens['access_token']}"
            webhook = client.post("/admin/webhooks", json={"url": receiver.url}).json()
            with worker(site):
                wait_until(lambda: receiver.received)
                with Lateness() as lateness:
                    began = time.monotonic()
                    client.post("/auth/login", json={**sign_in, "password": "wrong"})
                    # Not the last one: meanwhile the worker seals the trail, which makes the audit key and its event.
                    wait_until(lambda: any(b"login_failed" in each.body for each in list(receiver.received)))
                    took = time.monotonic() - began
                client.post("/auth/logout", json={})
                tested = json.loads(site.manage("webhooks", "test", webhook["id"], "--json"))

        bodies = [ForeignWebhook(webhook["secret"]).verify(each.body, each.headers) for each in receiver.received]
    types = [body["type"] for body in bodies]
    assert types[0] == "webhook.created"
    assert types.index("authentication.login_failed") < types.index("session.revoked")
    assert "webhook.test" in types
    assert tested["delivery"]["status"] == "delivered"
    assert len(set(receiver.ids)) == len(receiver.ids)
    assert took < 2 + lateness.allowance
