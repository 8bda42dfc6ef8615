"""Whether the console's memory is flat while it is open for an hour and 200 events a second are written.

Serves the house with a background worker, opens /admin/console/ in headless Chromium as an administrator and writes
events: sign-ins, failures from one network after the other, sessions. Each half minute it reads, after a garbage
collection, the JavaScript heap, nodes and event listeners of the page, how often its list was painted, and the memory
(PSS) of the server, the worker and the page's process. Each sample is printed as a line of JSON.

Ends with 1 when the last quarter of a figure that must be flat has a mean over 1.1 times that of the second quarter
(in the first one caches fill), when the page painted more than four times a second, or when an error was logged in it.
"""

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from servers import ROOT, bench_environment, cedrina_environment, migrate, new_database, require_database, server

sys.path.insert(0, str(ROOT))
PORT = 8475
MOST_GROWTH = 1.1
MOST_PAINTS = 4.2  # a second; a sample's ends are not those of a second
WRITES_A_SECOND = 20
FLAT = ("heap_kib", "nodes", "listeners", "server_mib", "worker_mib")
# Each minute another network fails to sign in; of the other events one in seven is a failure.
WRITE = """
INSERT INTO security_events_event (id, occurred_at, type, category, severity, outcome, actor_id, actor_name,
    actor_pseudonym, target_id, target_name, correlation_id, ip_address, user_agent, risk_score, risk_reasons, data)
SELECT security_events_uuid7(), clock_timestamp(), kind,
    CASE kind WHEN 'session.created' THEN 'session' ELSE 'authentication' END,
    CASE kind WHEN 'authentication.login_failed' THEN 'medium' ELSE 'info' END,
    CASE kind WHEN 'authentication.login_failed' THEN 'failure' ELSE 'success' END,
    md5((n %% %(accounts)s)::text), 'm***@example.com', '', md5((n %% %(accounts)s)::text), 'm***@example.com',
    md5(n::text),
    CASE kind WHEN 'authentication.login_failed' THEN '198.51.100.0'::inet + (n / 12000 %% 250)
        ELSE '203.0.113.0'::inet + (n %% 250) END,
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36', 0, '[]',
    jsonb_build_object('number', n)
FROM (SELECT n, CASE WHEN n %% 7 = 0 THEN 'authentication.login_failed' WHEN n %% 2 = 0 THEN 'session.created'
        ELSE 'authentication.login_succeeded' END AS kind
      FROM generate_series(%(first)s::int, %(last)s::int) AS n) AS made
"""
COUNT_PAINTS = """() => {
    window.paints = 0;
    new MutationObserver(() => (window.paints += 1)).observe(
        document.querySelector('#event-rows'), { childList: true });
}"""


class Writer(threading.Thread):
    """Writes events at a rate until it is stopped. ``written`` is how many there are."""

    def __init__(self, url: str, rate: int, accounts: int) -> None:
        super().__init__(daemon=True)
        self._url, self._rate, self._accounts = url, rate, accounts
        self.written, self.is_over = 0, threading.Event()

    def run(self) -> None:
        import psycopg

        with psycopg.connect(self._url.replace("postgres://", "postgresql://"), autocommit=True) as connection:
            began = time.monotonic()
            while not self.is_over.wait(1 / WRITES_A_SECOND):
                # What it is late by is written next, a second's worth at most.
                due = int((time.monotonic() - began) * self._rate)
                last = min(due, self.written + self._rate)
                if last > self.written:
                    connection.execute(WRITE, {"first": self.written + 1, "last": last, "accounts": self._accounts})
                    began += (due - last) / self._rate
                    self.written = last


def pss_mib(pids: Sequence[int]) -> float:
    """Return the memory of processes; pages that they share are divided among all that share them (proc(5))."""
    kib = 0
    for pid in pids:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        kib += next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    return kib / 1024


def descendants(pid: int) -> list[int]:
    """Return a process and all that it has started."""
    parents = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(entry.parent.name)] = int(entry.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    found = [pid]
    for each in found:
        found += [child for child, parent in parents.items() if parent == each]
    return found


def renderers() -> list[int]:
    """Return the processes of this program's browser that hold pages."""
    return [pid for pid in descendants(os.getpid()) if b"--type=renderer" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def sample(page: Any, tools: Any, pids: Mapping[str, int]) -> dict[str, float]:
    """Return the figures of this moment."""
    tools.send("HeapProfiler.collectGarbage")
    metrics = {each["name"]: each["value"] for each in tools.send("Performance.getMetrics")["metrics"]}
    return {
        "heap_kib": round(metrics["JSHeapUsedSize"] / 1024),
        "nodes": metrics["Nodes"],
        "listeners": metrics["JSEventListeners"],
        "layouts": metrics["LayoutCount"],
        "paints": page.evaluate("window.paints"),
        "page_mib": round(pss_mib(renderers()), 1),
        **{f"{name}_mib": round(pss_mib(descendants(pid)), 1) for name, pid in pids.items()},
    }


def watch(page: Any, options: argparse.Namespace, pids: Mapping[str, int], writer: Writer) -> list[dict[str, float]]:
    """Sample the page until the time is over."""
    tools = page.context.new_cdp_session(page)
    tools.send("Performance.enable")
    samples: list[dict[str, float]] = []
    began = last = time.monotonic()
    written, before = writer.written, sample(page, tools, pids)
    while time.monotonic() - began < 60 * options.minutes:
        page.wait_for_timeout(1000 * options.every)
        now, found, reached = time.monotonic(), sample(page, tools, pids), writer.written
        if not writer.is_alive() or page.get_attribute("#connection", "data-state") != "live":
            raise RuntimeError("The writer has ended, or the sockets are closed.")
        for name in ("paints", "layouts"):
            found[f"{name}_a_second"] = round((found[name] - before[name]) / (now - last), 2)
        found["events_a_second"] = round((reached - written) / (now - last))
        found["minute"] = round((now - began) / 60, 1)
        last, before, written = now, found, reached
        samples.append(found)
        print(json.dumps(found), flush=True)
    return samples


def quarters(samples: Sequence[Mapping[str, float]], name: str) -> list[float]:
    """Return the mean of a figure in each quarter of the time."""
    size = max(1, len(samples) // 4)
    return [round(fmean(each[name] for each in samples[at * size : (at + 1) * size]), 1) for at in range(4)]


def slope(samples: Sequence[Mapping[str, float]], name: str) -> float:
    """Return by how much a figure grows in an hour in the last three quarters: the line of least squares."""
    used = samples[len(samples) // 4 :]
    hours, values = [each["minute"] / 60 for each in used], [each[name] for each in used]
    middle = fmean(hours)
    spread = sum((hour - middle) ** 2 for hour in hours)
    return round(sum((hour - middle) * value for hour, value in zip(hours, values, strict=True)) / spread, 1)


def opened_console(browser: Any, url: str, password: str) -> Any:
    """Sign in at the admin and return the page of the console, once its sockets are open."""
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.goto(f"{url}/admin/login/?next=/admin/console/")
    page.fill("#id_username", "operator")
    page.fill("#id_password", password)
    page.click("#login-form [type=submit]")
    page.wait_for_selector("#connection[data-state=live]", timeout=120_000)
    page.mouse.move(0, 0)
    page.check("#alarm")
    page.evaluate(COUNT_PAINTS)
    return page


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--rate", type=int, default=200, help="events a second")
    # The worker keeps windows of accounts with a hundred events or more: up to 100,000 facts, about 80 MB.
    parser.add_argument("--accounts", type=int, default=500_000, help="among which the events are spread")
    parser.add_argument("--every", type=float, default=30, help="seconds between two samples")
    options = parser.parse_args()
    require_database()
    from playwright.sync_api import sync_playwright

    from tests.clients.browser import CHROMIUM

    environment = {
        **cedrina_environment(bench_environment(1)),
        "DATABASE_URL": new_database("bench_console_hour"),
        "DJANGO_SETTINGS_MODULE": "cedrina.settings.dev",
        "PORT": str(PORT),
    }
    migrate(environment)
    manage = [sys.executable, "manage.py"]
    making = [*manage, "create_admin", "--username", "operator", "--email", "operator@example.com", "--json"]
    made = subprocess.run(making, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
    worker = subprocess.Popen([*manage, "run_worker"], cwd=ROOT, env=environment)
    writer = Writer(environment["DATABASE_URL"], options.rate, options.accounts)
    faults: list[str] = []
    try:
        with server("console", [], environment) as pid, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            page = opened_console(browser, f"http://127.0.0.1:{PORT}", json.loads(made.stdout)["password"])
            page.on("pageerror", lambda error: faults.append(str(error)))
            page.on("console", lambda line: faults.append(line.text) if line.type == "error" else None)
            writer.start()
            samples = watch(page, options, {"server": pid, "worker": worker.pid}, writer)
            writer.is_over.set()
            writer.join()
            browser.close()
    finally:
        worker.terminate()
        worker.wait()
    found = {name: {"quarters": quarters(samples, name), "growth_an_hour": slope(samples, name)} for name in FLAT}
    growing = [name for name in FLAT if found[name]["quarters"][3] > MOST_GROWTH * found[name]["quarters"][1]]
    paints = max(each["paints_a_second"] for each in samples)
    print(json.dumps({"events": writer.written, "most_paints_a_second": paints, **found, "growing": growing}))
    print("\n".join(faults))
    return int(bool(growing or faults or paints > MOST_PAINTS))


if __name__ == "__main__":
    sys.exit(main())
