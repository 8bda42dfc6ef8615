"""What the risk of a sign-in adds to it: CPU time of the server process, time waited for the database, and statements.

The account has signed in on each of 50 days, which is as much as the risk looks at; 5,000 other accounts have facts and
counts. Goals: 1 ms of CPU time and 2 statements a sign-in. The figure beside them is a check of the password by bcrypt
with its default cost.
"""

import argparse
import resource
import time
from datetime import timedelta
from typing import Any
from uuid import uuid4

from sealing import database, django_at
from servers import bench_environment, cedrina_environment, require_database

GOAL_CPU_MS, GOAL_STATEMENTS = 1.0, 2
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:{0}.0) Gecko/20100101 Firefox/{0}.0"
OTHERS, HISTORY = 5000, 50


def main() -> int:
    """Measure, and print the goal beside each figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sign-ins", type=int, default=500)
    options = parser.parse_args()
    require_database()
    environment = cedrina_environment(bench_environment(1, bcrypt_rounds=12))
    django_at(database("risk", environment), environment)
    account = str(uuid4())
    fill(account)
    cpu, wall, statements = measure(account, options.sign_ins)
    password = password_ms()
    print(f"CPU time of the process   {cpu:.2f} ms a sign-in   (goal: {GOAL_CPU_MS:.2f})")
    print(f"time                      {wall:.2f} ms a sign-in")
    print(f"statements                {statements:g} a sign-in   (goal: {GOAL_STATEMENTS})")
    print(f"a password's check        {password:.0f} ms: the risk adds {100 * wall / password:.1f} % to it")
    return int(cpu > GOAL_CPU_MS or statements > GOAL_STATEMENTS)


def fill(account: str) -> None:
    """Store the sign-ins of the account and of others, by the code of the worker."""
    from django.utils import timezone

    from security_events.detection import rules
    from security_events.selectors.trail import TrailEvent, TrailPosition
    from security_events.services.detection import facts

    rules.load()
    now = timezone.now()
    forms = [form(account, now - timedelta(days=day), "203.0.113.7") for day in range(HISTORY, 0, -1)]
    forms += [form(str(uuid4()), now, f"198.{number % 60}.{number % 250}.9", number % 40) for number in range(OTHERS)]
    for start in range(0, len(forms), 500):
        events = [TrailEvent(TrailPosition(1, each["id"]), each) for each in forms[start : start + 500]]
        facts.insert(facts.facts_of(events))


def form(account: str, at: Any, address: str, version: int = 0) -> dict[str, Any]:
    """Return the public form of the event of a sign-in."""
    return {
        "id": uuid4(),
        "occurred_at": at.isoformat(),
        "type": "authentication.login_succeeded",
        "outcome": "success",
        "actor_id": account,
        "actor_pseudonym": None,
        "target_id": account,
        "session_id": None,
        "ip_address": address,
        "user_agent": AGENT.format(100 + version),
        "risk_score": 10,
        "data": {"amr": ["pwd"]},
    }


def measure(account: str, number: int) -> tuple[float, float, float]:
    """Return the CPU time and the time of a sign-in's risk in milliseconds, and its statements."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext
    from django.utils import timezone

    from accounts.detection_rules import SIGN_IN_RISK
    from security_events import context
    from security_events.services.detection import sign_in_risk
    from security_events.types import Subject

    def once() -> None:
        found = sign_in_risk.of_sign_in(
            rule=SIGN_IN_RISK,
            subject=Subject(id=account),
            is_known_device=False,
            has_second_factor=False,
            now=timezone.now(),
        )
        if found is None or found.evidence.hour.own < 1000:
            raise SystemExit("The risk was not computed from the history.")

    with context.bind(context.RequestContext(ip_address="203.0.113.7", user_agent=AGENT.format(100))):
        for _ in range(20):
            once()  # plans of statements and the parsed user agent
        with CaptureQueriesContext(connection) as captured:
            once()
        began, cpu = time.perf_counter(), cpu_seconds()
        for _ in range(number):
            once()
        return (
            1000 * (cpu_seconds() - cpu) / number,
            1000 * (time.perf_counter() - began) / number,
            len(captured),
        )


def cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def password_ms() -> float:
    """Return how long one check of a password takes, in milliseconds."""
    from django.contrib.auth.hashers import check_password, make_password

    digest = make_password("a password of some length")
    began = time.perf_counter()
    for _ in range(5):
        check_password("a password of some length", digest)
    return 200 * (time.perf_counter() - began)


if __name__ == "__main__":
    raise SystemExit(main())
