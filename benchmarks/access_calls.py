"""What questions about access cost over HTTP: decisions a second of one core, by the CPU clock of the server.

One worker, one caller with ``authz:check``, a policy of 1,000 rules, each question about one of 50 people. Single
questions, then batches of 100 about one person, and ``GET /auth/me`` beside them. The CPU time of the server and its
workers is divided by the number of decisions, so that other load on the machine and the client's own work don't count.
At last one rule of 10,000 is changed again and again: how long that takes, and how much of it in the server.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import httpx

from benchmarks.peers import cerbos_decisions
from tests.journeys.person import Person
from tests.programs import served

GOALS = {"single": 1500, "in batches": 50_000}
RULES, MANY_RULES, PEOPLE, CLIENTS = 1000, 10_000, 50, 8
ADD_RULES = """
    INSERT INTO access_policyrule (id, subject, object, action, effect, department, location, conditions, note, digest,
        version, created_at, updated_at)
    SELECT gen_random_uuid(), 'user:' || id, 'documents/' || number, 'read', 'allow', '', '', '[]', '',
        sha256((id || '/' || number)::bytea), 1, now(), now()
    FROM accounts_user, generate_series({first}, {last}) AS number
"""
GIVE = "UPDATE accounts_user SET role_grants = 'authz:check policies:change' WHERE username = 'gateway'"
NEW_VERSION = "UPDATE access_policyhead SET version = version + 1, rules_id = gen_random_uuid()"


def main() -> int:
    """Measure, print a line for each figure, and return 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=4000)
    parser.add_argument("--batches", type=int, default=1000)
    parser.add_argument("--changes", type=int, default=30, help="of one rule among 10,000")
    parser.add_argument("--cerbos", action="store_true", help="ask Cerbos the same; it is fetched from npm")
    options = parser.parse_args()
    settings = {"WEB_CONCURRENCY": "1", "MAX_SESSIONS_PER_USER": "1000", "RATELIMIT_ENABLED": "true"}
    with served.database() as url, served.serving(database_url=url, flags=("--http",), **settings) as server:
        gateway = Person(server, name="gateway")
        gateway.register()
        people = [Person(server, number=number).register().json()["user"]["id"] for number in range(PEOPLE)]
        served.execute(url, GIVE, ADD_RULES.format(first=1, last=RULES // PEOPLE), NEW_VERSION)
        token = gateway.tokens["access_token"]
        questions = _questions(people)
        single = measured(server, token, "check", lambda: next(questions), options.calls)
        batch = measured(server, token, "check-batch", lambda: _batch(questions), options.batches)
        me = measured(server, token, "", None, options.calls)
        print(f"GET /auth/me {me:10.0f} calls/s a core", flush=True)
        served.execute(url, ADD_RULES.format(first=RULES // PEOPLE + 1, last=MANY_RULES // PEOPLE), NEW_VERSION)
        change_rules(server, token, options.changes)
        gateway.close()
    if options.cerbos:
        compare_with_cerbos(people, options.calls)
    verdicts = [verdict("single", single), verdict("in batches", batch * 100)]
    return 0 if all(verdicts) else 1


def _questions(people: list[str]) -> Iterator[dict[str, Any]]:
    number = 0
    while True:
        number += 1
        yield {
            "subject": f"user:{people[number % len(people)]}",
            "object": f"documents/{number % 30}",
            "action": "read",
            "attributes": {"resource": {"owner": "somebody"}},
        }


def _batch(questions: Iterator[dict[str, Any]]) -> dict[str, Any]:
    """Return a batch about one person, such as for the documents on a page."""
    checks = [next(questions) for _ in range(100)]
    return {"checks": [{**each, "subject": checks[0]["subject"]} for each in checks]}


def measured(server: Any, token: str, name: str, body: Callable[[], Any] | None, calls: int) -> float:
    """Return calls a second of a core, after some that are not counted; without ``body`` those of ``GET /auth/me``."""
    url = f"{server.url}/api/v1/authz/{name}" if body else f"{server.url}/api/v1/auth/me"
    headers = {"Authorization": f"Bearer {token}"}
    bodies = [body() if body else None for _ in range(calls)]

    def send(some: list[Any]) -> None:
        with httpx.Client(headers=headers, timeout=60) as client:
            for each in some:
                answer = client.post(url, json=each) if body else client.get(url)
                answer.raise_for_status()

    send(bodies[:50])
    before = server.cpu_seconds()
    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(send, [bodies[number::CLIENTS] for number in range(CLIENTS)]))
    return calls / (server.cpu_seconds() - before)


def change_rules(server: Any, token: str, changes: int) -> None:
    """Print what it takes to add a rule to 10,000, one after the other."""
    rule = {"subject": "role:admin", "action": "read", "effect": "allow", "reason": "a benchmark"}
    times = []
    with httpx.Client(headers={"Authorization": f"Bearer {token}"}, timeout=60) as client:
        for number in range(changes + 3):
            if number == 3:  # the first ones find the rules that were added by hand, and read all
                before = server.cpu_seconds()
            started = time.perf_counter()
            answer = client.post(f"{server.url}/api/v1/admin/policies", json={**rule, "object": f"added/{number}"})
            answer.raise_for_status()
            times.append(time.perf_counter() - started)
    cpu = (server.cpu_seconds() - before) / changes
    print(
        f"one rule more among {MANY_RULES}: {statistics.median(times[3:]) * 1e3:.0f} ms, {cpu * 1e3:.0f} ms of CPU;"
        f" read as a whole {times[0] * 1e3:.0f} ms",
        flush=True,
    )


def compare_with_cerbos(people: list[str], calls: int) -> None:
    """Print what Cerbos does with one core for single questions and for batches of its largest size."""
    with cerbos_decisions.serving(policies=RULES, people=people) as server:
        url = f"{server.url}/api/check/resources"
        for name, size in (("single", 1), ("in batches", cerbos_decisions.LARGEST_BATCH)):
            bodies = [
                cerbos_decisions.body(people[number % PEOPLE], [(number + each) % RULES for each in range(size)])
                for number in range(calls // (1 if size == 1 else 10))
            ]
            with httpx.Client(timeout=60, headers={"Content-Type": "application/json"}) as client:
                for each in bodies[:50]:
                    client.post(url, content=each).raise_for_status()
                before = server.cpu_seconds()
                for each in bodies:
                    client.post(url, content=each).raise_for_status()
            decisions = len(bodies) * size / (server.cpu_seconds() - before)
            print(f"Cerbos {name:12} {decisions:10.0f} decisions/s a core, {RULES} policies", flush=True)


def verdict(name: str, figure: float) -> bool:
    is_met = figure >= GOALS[name]
    print(
        f"{name:12} {figure:10.0f} decisions/s a core, goal {GOALS[name]}: {'met' if is_met else 'MISSED'}", flush=True
    )
    return is_met


if __name__ == "__main__":
    sys.exit(main())
