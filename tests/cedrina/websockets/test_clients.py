"""Clients that others wrote, and those of docs/live.md, which lose nothing and get nothing twice."""

import contextlib
import json
import os
import re
import subprocess
import sys
import threading
import time

import pytest

from tests.clients.browser import CHROMIUM, chromium_browser
from tests.event_writer import number_of
from tests.programs import node_packages
from tests.programs.served import ROOT

pytestmark = pytest.mark.process
EVENTS = "/ws/security-events/"
NODE_CLIENT = ROOT / "tests" / "clients" / "socket_client"
TIMEOUT = 60


def block_of_docs(language):
    """Return the client in a language that docs/live.md shows: its longest block."""
    text = (ROOT / "docs" / "live.md").read_text(encoding="utf-8")
    return max(re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL), key=len)


def wait_until(condition):
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.02)


@contextlib.contextmanager
def printed_by(command, **environment):
    """Run a program; give the objects that it has printed so far, one a line."""
    lines = []
    with subprocess.Popen(command, env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True) as process:
        # One after the other, as they come.
        reading = threading.Thread(target=lambda: lines.extend(map(json.loads, process.stdout)), daemon=True)
        reading.start()
        try:
            yield lines
        finally:
            process.kill()
            reading.join()


def test_the_library_of_node_reads_a_feed_and_is_told_why_it_ends(daphne, operator, person, writer):
    node_packages.install(NODE_CLIENT)
    (start,) = writer.write(1)
    writer.write(2)
    url = daphne.url.replace("http", "ws")
    asked = [{"type": "filter", "types": ["authentication.login_succeeded"]}, {"type": "resume", "after": start}]
    feed = {"URL_OF_FEED": url + EVENTS, "TOKEN": operator.tokens["access_token"], "ASK": json.dumps(asked)}
    with printed_by(["node", NODE_CLIENT / "read.mjs"], **feed) as lines:
        wait_until(lambda: any(line["type"] == "resumed" for line in lines))
        writer.write(3)
        wait_until(lambda: 3 in map(number_of, lines))
    assert [number for number in map(number_of, lines) if number is not None] == [2, 3]

    ticket = person.send("POST", "/auth/ws-ticket").json()["ticket"]
    with printed_by(["node", NODE_CLIENT / "read.mjs"], URL_OF_FEED=f"{url}/ws/account/", TICKET=ticket) as lines:
        wait_until(lambda: lines)
        person.send("POST", "/auth/logout", {})
        wait_until(lambda: lines[-1]["type"] == "close")
    assert lines[0] == {"type": "open", "protocol": "cedrina.v1"}
    assert lines[-1]["code"] == 4408


def test_the_client_of_the_documentation_in_python_survives_the_end_of_its_server(
    database_url, daphne, operator, writer, tmp_path
):
    program = tmp_path / "follow.py"
    program.write_text(block_of_docs("python"), encoding="utf-8")
    assert len(program.read_text(encoding="utf-8").splitlines()) < 70
    (start,) = writer.write(0)
    environment = {"SERVER": daphne.url, "TOKEN": operator.tokens["access_token"], "AFTER": start}
    with printed_by([sys.executable, program], **environment) as events:
        writer.write(1, 5)
        wait_until(lambda: any(event["data"].get("number") == 5 for event in events))  # others may record events, too
        daphne.kill()
        writer.write(6, 30)
        daphne.start()
        writer.write(31)
        wait_until(lambda: any(event["data"].get("number") == 31 for event in events))
    assert sorted(event["data"]["number"] for event in events if "number" in event["data"]) == list(range(1, 32))


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
def test_the_client_of_the_documentation_in_a_browser(one_port, operator, writer):
    """Its page has the server's own origin; the outage is a ticket that is refused at first."""
    assert len(block_of_docs("js").splitlines()) < 70
    (start,) = writer.write(0)
    writer.write(1, 3)
    script = f"""({{ token, after }}) => {{
        {block_of_docs("js")}
        window.events = [];
        const tokens = ["wrong", token];
        window.stop = follow({{
          server: location.origin, path: "{EVENTS}", after, onEvent: (event) => window.events.push(event),
          token: async () => tokens.length > 1 ? tokens.shift() : tokens[0],
          onStop: (code) => {{ window.code = code; }},
        }});
    }}"""
    with chromium_browser() as browser:
        page = browser.new_page(bypass_csp=True)  # of the driver's own conditions
        page.set_default_timeout(120_000)
        page.goto(one_port.url)
        page.evaluate(script, {"token": operator.tokens["access_token"], "after": start})
        page.wait_for_function("window.events.length >= 3")
        writer.write(4)
        page.wait_for_function("window.events.some((event) => event.data.number === 4)")
        found = page.evaluate("window.events.map((event) => event.data.number)")
        page.evaluate("window.stop()")
        page.wait_for_function("window.code !== undefined")
    assert sorted(number for number in found if number) == [1, 2, 3, 4]
