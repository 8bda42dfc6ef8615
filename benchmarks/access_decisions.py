"""What a decision of access control costs, in one process, beside pycasbin and cedarpy.

Policies of 100, 1,000 and 10,000 rules: roles with two levels, wildcards, one rule in ten denies, one in five has a
condition. All three engines answer the same questions, and must answer them alike before they are measured. Without
options it takes about a minute; most of that is the others' time.
"""

import argparse
import random
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from django.conf import settings

settings.configure(USE_I18N=False)

from accounts.access.deciding.index import CompiledPolicy
from accounts.access.deciding.rules import Effect, Rule
from tests.accounts.access import policies
from tests.accounts.access.policies import CasbinPolicy, CedarPolicy, Request

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
PEOPLE = 2000
GOALS = {"p50": 10e-6, "p99": 40e-6, "flat": 1.5, "casbin": 1000, "cedar": 300, "build": 0.250}


def main() -> int:
    """Measure, print a line for each figure, and return 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 1000, 10_000])
    parser.add_argument("--questions", type=int, default=20_000)
    parser.add_argument("--peer-questions", type=int, default=100, help="for the others, which are slow")
    options = parser.parse_args()
    medians, verdicts = [], []
    for size in options.sizes:
        rules, parents, requests = world(size, options.questions)
        started = time.perf_counter()
        index = CompiledPolicy(rules=rules, parents=parents, version=1)
        build = time.perf_counter() - started
        times = timed(lambda request, index=index: ask(index, request), requests)
        cuts = statistics.quantiles(times, n=100)
        medians.append(cuts[49])
        print(
            f"{size:6} rules: p50 {cuts[49] * 1e6:5.1f} us, p99 {cuts[98] * 1e6:5.1f} us, built in {build * 1e3:.0f} ms"
        )
    verdicts.append(verdict("p50 in us", cuts[49] * 1e6, GOALS["p50"] * 1e6, at_most=True))
    verdicts.append(verdict("p99 in us", cuts[98] * 1e6, GOALS["p99"] * 1e6, at_most=True))
    verdicts.append(verdict("largest beside smallest", medians[-1] / medians[0], GOALS["flat"], at_most=True))
    verdicts.append(verdict("build in ms", build * 1e3, GOALS["build"] * 1e3, at_most=True))
    asked = requests[: options.peer_questions]
    expected = [ask(index, request) for request in asked]
    casbin, cedar = CasbinPolicy(rules, parents), CedarPolicy(rules, parents)
    # A first call each: Casbin links a new person's roles in it.
    if [casbin.is_allowed(request) for request in asked] != expected or cedar.are_allowed(asked) != expected:
        print("The engines do not decide alike: nothing is compared.")
        return 1
    ours = statistics.median(timed(lambda request: ask(index, request), asked))
    verdicts.append(
        verdict("times pycasbin", statistics.median(timed(casbin.is_allowed, asked)) / ours, GOALS["casbin"])
    )
    started = time.perf_counter()
    cedar.are_allowed(asked)
    verdicts.append(verdict("times cedarpy", (time.perf_counter() - started) / len(asked) / ours, GOALS["cedar"]))
    return 0 if all(verdicts) else 1


def ask(index: CompiledPolicy, request: Request) -> bool:
    return index.decide(
        subject=request.subject,
        roles=request.roles,
        object_path=request.object,
        action=request.action,
        attributes=request.attributes,
        at=request.at,
    ).is_allowed


def world(size: int, questions: int) -> tuple[list[Rule], dict[str, list[str]], list[Request]]:
    """Return rules of one role in ten, each about objects of its own, and questions of which half are allowed."""
    rng = random.Random(size)
    roles = [f"role-{number}" for number in range(size // 10)]
    policies.ROLES = tuple(roles)
    parents = {role: [roles[number // 2]] if number % 2 else [] for number, role in enumerate(roles)}
    rules = [random_rule(rng, number, roles[number % len(roles)]) for number in range(size)]
    people = [frozenset(rng.sample(roles, 2)) for _ in range(PEOPLE)]
    of_role: dict[str, list[Rule]] = {}
    for rule in rules:
        of_role.setdefault(rule.subject.removeprefix("role:"), []).append(rule)
    requests = []
    for _ in range(questions):
        person = rng.choice(people)
        rule = rng.choice(of_role[min(person)])
        path = rule.object.replace("**", "x/y").replace("*", "x") if rng.random() < 0.7 else "nothing/here"
        attributes = {"subject": {"id": "1"}, "resource": {"owner": rng.choice("12")}, "context": {}}
        requests.append(Request("user:1", person, path, "read", attributes, AT))
    return rules, parents, requests


def random_rule(rng: random.Random, number: int, role: str) -> Rule:
    path = rng.choice((f"documents/{number}", f"projects/{number}/*", f"projects/{number}/**", f"*/{number}/notes"))
    own = {"name": "same", "arguments": {"left": "subject.id", "right": "resource.owner"}}
    return Rule(
        id=f"rule-{number}",
        subject=f"role:{role}",
        object=path,
        action=rng.choice(("read", "*")),
        effect=Effect.DENY if rng.random() < 0.1 else Effect.ALLOW,
        conditions=[own] if rng.random() < 0.2 else [],
    )


def timed(call: Callable[[Any], object], arguments: Sequence[Any]) -> list[float]:
    times = []
    for argument in arguments:
        started = time.perf_counter()
        call(argument)
        times.append(time.perf_counter() - started)
    return times


def verdict(name: str, figure: float, goal: float, *, at_most: bool = False) -> bool:
    is_met, bound = (figure <= goal, "at most") if at_most else (figure >= goal, "at least")
    print(f"{name:24} {figure:10.1f}  goal {bound} {goal:g}: {'met' if is_met else 'MISSED'}")
    return is_met


if __name__ == "__main__":
    sys.exit(main())
