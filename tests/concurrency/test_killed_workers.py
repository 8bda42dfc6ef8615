"""Workers die by SIGKILL in the middle of rotations: their clients ask again with what they hold and go on."""

import os
import random
import select
import signal
import time
from typing import ClassVar

import pytest
from django.db import connection, connections
from django.utils import timezone

from security_events.models import SecurityEvent
from tests import fault_figures
from tests.factories.accounts import UserFactory
from tests.factories.tokens import open_session
from tokens.access_tokens.keyring import keyring
from tokens.models import Session, TokenFamily
from tokens.services import rotation, verification

pytestmark = [pytest.mark.process, pytest.mark.fault]
CLIENTS = 6
KILLS = 240
AS_LONG_AS_A_ROTATION_TAKES = 0.012  # seconds, about; a kill falls anywhere into it


class Worker:
    """A process of its own that rotates what it is sent and answers with the successor."""

    living: ClassVar[set] = set()

    def __init__(self):
        requests, self._send = os.pipe()
        self._receive, answers = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            self._work(requests, answers)
        self.living.add(self)
        os.close(requests)
        os.close(answers)

    def _work(self, requests, answers):
        """Never return into the test."""
        status = 1
        try:
            with os.fdopen(requests) as lines:
                for line in lines:
                    order, token = line.split()
                    pair = rotation.rotate(presented=token, now=timezone.now())
                    if order == "die":
                        os.kill(os.getpid(), signal.SIGKILL)
                    if order == "use":
                        verification.authenticate(presented=pair.access_token, now=timezone.now())
                    os.write(answers, f"{pair.refresh_token}\n".encode())
            status = 0
        except Exception as error:  # noqa: BLE001 - the test reads it
            os.write(answers, f"!{error!r}\n".encode())
        finally:
            os._exit(status)

    def ask(self, order, token):
        os.write(self._send, f"{order} {token}\n".encode())

    def answer(self, *, seconds):
        """Return the whole answer, or None when there is none in time or ever."""
        ready, _, _ = select.select([self._receive], [], [], seconds)
        text = os.read(self._receive, 4096).decode() if ready else ""
        assert not text.startswith("!"), text
        return text.strip() if text.endswith("\n") else None

    def kill(self):
        os.kill(self.pid, signal.SIGKILL)

    def bury(self):
        # Dead already or not: the end of its input is no sign to it, since its siblings hold that open, too.
        self.kill()
        os.close(self._send)
        os.waitpid(self.pid, 0)
        self.living.remove(self)

    def close(self):
        os.close(self._receive)


@pytest.fixture(autouse=True)
def no_survivors():
    """Leave no worker behind, however the test ends."""
    yield
    for worker in list(Worker.living):
        worker.bury()
        worker.close()


class Client:
    """Keeps the newest token whose answer reached it, and asks again when none did."""

    def __init__(self, pair):
        self.session_id, self.token = pair.session_id, pair.refresh_token
        self.worker = Worker()
        self.answers = 0

    def take(self, token):
        if token is not None:
            self.token = token
            self.answers += 1
        return token is not None

    def replace_worker(self):
        self.worker.bury()
        # What was written before the end is still in the pipe: that answer arrived.
        self.take(self.worker.answer(seconds=0))
        self.worker.close()
        self.worker = Worker()


class TestKilledWorker:
    @pytest.mark.timeout(240)
    @pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
    def test_costs_a_reply_and_never_a_session(self, settings):
        settings.TOKENS = {**settings.TOKENS, "MAX_SESSIONS_PER_USER": CLIENTS}
        user, chance = UserFactory(), random.Random(1)
        pairs = [open_session(user=user) for _ in range(CLIENTS)]
        keyring.jwks()
        connections.close_all()  # so that no worker inherits this process's connection
        clients = [Client(pair) for pair in pairs]
        kills = 0
        while kills < KILLS:
            doomed = chance.sample(clients, 3)
            for client in clients:
                order = chance.choice(["rotate", "use"])
                client.worker.ask("die" if client is doomed[0] else order, client.token)
            for client in doomed[1:]:
                time.sleep(chance.uniform(0, AS_LONG_AS_A_ROTATION_TAKES))
                client.worker.kill()
            for client in clients:
                if client in doomed:
                    client.replace_worker()
                else:
                    assert client.take(client.worker.answer(seconds=30)), "a living worker did not answer"
            kills += len(doomed)
        for client in clients:
            client.worker.ask("use", client.token)
            assert client.take(client.worker.answer(seconds=30)), "a session was lost"
            client.worker.bury()
            client.worker.close()

        connection.ensure_connection()
        living = Session.objects.filter(user=user, ended_at__isnull=True).count()
        fault_figures.keep(
            f"{kills} workers killed during a refresh", "lost sessions", CLIENTS - living, goal=0, unit=""
        )
        assert living == CLIENTS
        for client in clients:
            family = TokenFamily.objects.get(session_id=client.session_id)
            assert not family.is_revoked
            # Each rotation left its event, the lost ones too: no half of a rotation was ever stored.
            events = SecurityEvent.objects.filter(session_id=client.session_id)
            assert events.filter(type="token.refreshed").count() == family.generation - 1
            assert not events.filter(outcome="failure").exists()
            assert events.filter(type="token.successor_repeated").exists()
            assert rotation.rotate(presented=client.token, now=timezone.now())
