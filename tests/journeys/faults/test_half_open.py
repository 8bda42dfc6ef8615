"""A connection to a receiver of the worker's dies in the middle, without a word: its answer never arrives."""

import json
import time
from contextlib import ExitStack

import psycopg
import pytest
from standardwebhooks import Webhook as ForeignWebhook

from tests import fault_figures
from tests.peers.mail_server import MailServer, worker
from tests.peers.network import Network
from tests.peers.webhook_receiver import receiving
from tests.programs import served

pytestmark = pytest.mark.fault

LATEST_SECONDS = 60  # the longest that an attempt may take, and the wait before the second
SOON = "UPDATE procrastinate_jobs SET scheduled_at = now() WHERE status = 'todo' AND queue_name = 'mail'"
UNSENT = "SELECT count(*) FROM accounts_outgoingmail WHERE sent_at IS NULL"


class Installation:
    """A site with a worker, a receiver of webhooks and a mail server, each behind a network of its own."""

    def __init__(self, stack):
        enter = stack.enter_context
        self.receiver = enter(receiving())
        self.mail_server = MailServer().start()
        stack.callback(self.mail_server.stop)
        self.to_receiver = enter(Network(self.receiver.url))
        self.to_mail_server = enter(Network(self.mail_server.url))
        self.url = enter(served.database())
        settings = {
            "EMAIL_URL": self.to_mail_server.url,
            "EMAIL_CONFIRMATION": "required",
            "OUTBOUND_ALLOWED_NETWORKS": "127.0.0.0/8",
            "OUTBOUND_ALLOWED_PORTS": f"443,{self.to_receiver.port}",
        }
        self.site = enter(served.serving(database_url=self.url, CEDRINA_ENV="development", **settings))
        enter(worker(self.site))


@pytest.fixture(scope="module")
def installation():
    with ExitStack() as stack:
        yield Installation(stack)


def wait_until(condition, *, seconds=LATEST_SECONDS):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


class TestAReceiverOfWebhooks:
    def test_whose_answer_is_lost_gets_the_event_again_under_the_same_id(self, installation):
        site, receiver, network = installation.site, installation.receiver, installation.to_receiver

        def answer_into_nothing(handler):
            network.forget()
            handler.send_response(204)
            handler.end_headers()

        receiver.answers = [204, answer_into_nothing]  # the first event is that the webhook was made
        made = site.manage("create_admin", "--username", "keeper", "--email", "keeper@example.com", "--json")
        sign_in = {"username": "keeper", "password": json.loads(made)["password"]}
        with site.client() as client:
            tokens = client.post("/auth/login", json=sign_in).json()["tokens"]
            client.headers["Authorization"] = f"Bearer {tokens['access_token']}"
            body = {"url": network.url, "types": ["webhook.created", "authentication.login_failed"]}
            secret = client.post("/admin/webhooks", json=body).json()["secret"]
            wait_until(lambda: len(receiver.received) == 1)
            for _ in range(2):
                client.post("/auth/login", json={**sign_in, "password": "wrong"})
        wait_until(lambda: len(receiver.received) == 4)

        [_made, lost, again, last] = receiver.received
        assert [receiver.ids.count(each.headers["webhook-id"]) for each in (lost, last)] == [2, 1]
        assert lost.headers["webhook-id"] == again.headers["webhook-id"]
        for each in receiver.received:
            ForeignWebhook(secret).verify(each.body, each.headers)
        fault_figures.keep("the answer of a webhook's receiver is lost", "lost events", 3 - len(set(receiver.ids)),
                           goal=0, unit="")  # fmt: skip


class TestAMailServer:
    def test_whose_answer_is_lost_gets_the_mail_again_under_the_same_name(self, installation, newcomer):
        mail_server, network = installation.mail_server, installation.to_mail_server
        mail_server.hold()
        person = newcomer(installation.site)
        assert person.register().status_code == 202
        assert mail_server.reading.wait(60)
        network.forget()
        mail_server.release()
        mail_server.wait_for(1)

        def is_sent():
            served.execute(installation.url, SOON)
            with psycopg.connect(installation.url.replace("postgres://", "postgresql://")) as connection:
                return connection.execute(UNSENT).fetchone() == (0,)

        wait_until(is_sent, seconds=2 * LATEST_SECONDS)
        copies = [message for message in mail_server.accepted if message["To"] == person.address]
        lost = 1 - len({message["Message-ID"] for message in copies})
        fault_figures.keep("the answer of a mail server is lost", "lost mails", lost, goal=0, unit="")
        assert lost == 0
        assert len(copies) == 2
