"""Figures of all processes of a machine: nothing is lost or counted twice when processes are killed and replaced."""

import asyncio
import os
import re
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from tests.clients import socket_clients
from tests.journeys.person import Person

PATH, ROUTE = "/.well-known/jwks.json", "jwks"
SECONDS = 60
SOCKETS = 5


def figures(server):
    """Return all figures as text, those of this moment: answers are kept for a second."""
    time.sleep(1.05)
    return httpx.get(f"{server.url}/metrics", timeout=60).text


def value(text, name, **labels):
    wanted = [f'{label}="{each}"' for label, each in labels.items()]
    lines = [
        line for line in text.splitlines() if re.match(rf"{name}(\{{| )", line) and all(each in line for each in wanted)
    ]
    return sum(float(line.rpartition(" ")[2]) for line in lines)


def answered(text):
    return value(text, "cedrina_http_requests_total", route=ROUTE, status="200")


def until(read, expected):
    deadline = time.monotonic() + SECONDS
    while (found := read()) != expected:
        assert time.monotonic() < deadline, (found, expected)


def workers_of(server):
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
    return [int(pid) for pid in children.read_text().split()]


def ask(server, times):
    """Ask by new connections, which the kernel hands to all workers; return how many were answered."""
    done = 0
    for _ in range(times):
        try:
            done += httpx.get(server.url + PATH, timeout=60).status_code == 200
        except httpx.TransportError:
            time.sleep(0.02)
    return done


class TestRequests:
    def test_are_counted_once_over_killed_and_replaced_workers(self, installation):
        http, folder = installation.http, installation.folder
        before = answered(figures(http))
        asked = 0
        for _ in range(3):
            asked += ask(http, 25)
            victim = workers_of(http)[0]
            os.kill(victim, signal.SIGKILL)
            deadline = time.monotonic() + SECONDS
            while victim in workers_of(http) or len(workers_of(http)) < 2:
                assert time.monotonic() < deadline
                time.sleep(0.05)
        assert answered(figures(http)) - before == asked
        # Files of numbers and not of process ids: killed workers leave none behind.
        assert len(list(folder.glob("counter_*.db"))) <= 7

    def test_that_were_answered_under_load_are_counted_though_workers_are_killed(self, installation):
        http = installation.http
        before = answered(figures(http))
        with ThreadPoolExecutor(4) as clients:
            loads = [clients.submit(ask, http, 60) for _ in range(4)]
            for _ in range(2):
                time.sleep(0.2)
                for victim in workers_of(http)[:1]:
                    os.kill(victim, signal.SIGKILL)
            done = sum(load.result() for load in loads)
        counted = answered(figures(http)) - before
        # A worker that is killed between counting and answering has counted a request that its client saw fail.
        assert done <= counted <= 240

    def test_are_counted_on_by_the_next_program_of_the_server(self, installation):
        http = installation.http
        asked, before = ask(http, 10), answered(figures(http)) - 10
        old = set(workers_of(http))
        http.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + SECONDS
        while old & set(workers_of(http)) or len(workers_of(http)) != 2:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        asked += ask(http, 10)
        assert answered(figures(http)) - before == asked == 20


class TestOtherProcesses:
    def test_show_their_figures_where_http_is_served(self, installation):
        http, sockets = installation.http, installation.sockets
        before = figures(http)
        person = Person(http)
        assert person.register().status_code == 201
        sent = value(before, "cedrina_mail_total", outcome="sent") + 1
        until(lambda: value(figures(http), "cedrina_mail_total", outcome="sent"), sent)
        after = figures(http)
        for name, labels in (
            ("cedrina_registrations_total", {}),
            ("cedrina_security_events_total", {"type": "account.registered"}),
        ):
            assert value(after, name, **labels) == value(before, name, **labels) + 1
        person.close()
        try:
            asyncio.run(self.with_open_sockets(http, sockets))
        finally:
            sockets.start()

    async def with_open_sockets(self, http, sockets):
        opened = [await socket_clients.connect(sockets, "/ws/health/") for _ in range(SOCKETS)]

        def open_now():
            return value(figures(http), "cedrina_sockets_open", path="/ws/health/")

        await asyncio.to_thread(until, open_now, SOCKETS)
        await opened.pop().close()
        await asyncio.to_thread(until, open_now, SOCKETS - 1)
        sockets.kill()
        # Nobody counted them down: the gauges of a process end with it.
        await asyncio.to_thread(until, open_now, 0)
