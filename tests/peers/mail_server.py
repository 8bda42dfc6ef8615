"""A real SMTP server that can be down, refuse, or hold back its answer, and the worker that sends to it."""

import asyncio
import email
import signal
import threading
import time
from contextlib import contextmanager
from email.policy import default

from aiosmtpd.controller import Controller

from tests.programs import forked_programs
from tests.programs.ports import free_port


class MailServer:
    """Keeps what it accepted. ``hold()`` makes it wait, after it has read a mail, before it says 250."""

    def __init__(self, port=None):
        self.port = port or free_port()
        self.accepted = []
        self.envelopes = []  # of what was accepted: the sender, and to whom
        self.refused = {}
        self.reading = threading.Event()
        self._may_answer = threading.Event()
        self._may_answer.set()
        self._controller = None

    @property
    def url(self):
        return f"smtp://127.0.0.1:{self.port}"

    def start(self):
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port, ready_timeout=120)
        self._controller.start()
        return self

    def stop(self):
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    def hold(self):
        self.reading.clear()
        self._may_answer.clear()

    def release(self):
        self._may_answer.set()

    def refuse(self, address, answer="550 5.1.1 no such mailbox"):
        self.refused[address] = answer

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802 - the library's name
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        self.reading.set()
        while not self._may_answer.is_set():  # noqa: ASYNC110 - it is set by another thread
            await asyncio.sleep(0.05)
        self.envelopes.append((envelope.mail_from, list(envelope.rcpt_tos)))
        self.accepted.append(email.message_from_bytes(envelope.content, policy=default))
        return "250 taken"

    def wait_for(self, count, *, seconds=60):
        """Wait until so many mails were accepted, and return them."""
        deadline = time.monotonic() + seconds
        while len(self.accepted) < count and time.monotonic() < deadline:
            time.sleep(0.05)
        assert len(self.accepted) >= count, f"{len(self.accepted)} mails arrived"
        return self.accepted


class Worker:
    """The background worker as it runs in production, in a process of its own."""

    def __init__(self, site, **settings):
        # What the loader of libraries reads when a program starts, a fork would not see.
        is_own = any(name.startswith("LD_") for name in settings)
        start = forked_programs.start_own if is_own else forked_programs.start
        self.process = start(["manage.py", "run_worker"], environment={**site.environment, **settings})

    def end(self, signum=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(signum)
        self.process.wait(timeout=60)


@contextmanager
def worker(site, **settings):
    """Run a worker beside a served site, ended without a word afterwards."""
    running = Worker(site, **settings)
    try:
        yield running
    finally:
        running.end(signal.SIGKILL)
