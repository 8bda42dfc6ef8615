"""What it costs to prove what a draft changes: policies of 200 and more rules against drafts, and hostile drafts.

Rules are those of real installations in shape: roles with two levels, wildcards, one in ten denies, one in five has a
condition. The bound is one second for 200 rules; hostile drafts have to end, with "at least".
"""

import argparse
import random
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from django.conf import settings

settings.configure(USE_I18N=False)

from accounts.access.deciding.hours import parse_hours
from accounts.access.deciding.rules import Effect, Rule
from accounts.access.impact.budget import WorkBudget
from accounts.access.impact.differences import PolicySource, differences, profiles_of

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
MOST_WORK = 100_000  # as accounts.access.services.impact.proof has it
GOAL_SECONDS, HOSTILE_SECONDS = 1.0, 5.0
OFFICE = {
    "weekdays": ["mon", "tue", "wed", "thu", "fri"],
    "from": "09:00",
    "until": "17:00",
    "time_zone": "Europe/Madrid",
}


def main() -> int:
    """Measure, print a line for each case, and return 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[200, 2000, 10_000])
    parser.add_argument("--changes", type=int, default=10, help="rules that a draft changes")
    options = parser.parse_args()
    is_met = True
    for size in options.sizes:
        seconds, found, is_exact = prove(*world(size, options.changes))
        is_met &= size > 200 or seconds <= GOAL_SECONDS
        print(
            f"{size:6} rules, {options.changes} changed: {seconds * 1e3:6.0f} ms, {found} differences,",
            f"exact: {is_exact}",
        )
    for name, rules in hostile().items():
        seconds, found, is_exact = prove(PolicySource([], {"staff": []}), PolicySource(rules, {"staff": []}))
        is_met &= seconds <= HOSTILE_SECONDS
        print(f"hostile {name:10}: {seconds * 1e3:6.0f} ms, at least {found} differences, exact: {is_exact}")
    return 0 if is_met else 1


def prove(before: PolicySource, after: PolicySource) -> tuple[float, int, bool]:
    """Return the CPU seconds, how many differences there are, and whether these are all."""
    budget = WorkBudget(MOST_WORK)
    began = time.process_time()
    found = sum(1 for _ in differences(before, after, profiles=profiles_of(before, after), now=NOW, budget=budget))
    return time.process_time() - began, found, budget.is_exact


def world(size: int, changes: int) -> tuple[PolicySource, PolicySource]:
    """Return a policy and one in which some rules are others."""
    rng = random.Random(size)
    roles = [f"role-{number}" for number in range(max(5, size // 40))]
    parents = {name: [rng.choice(roles[:number])] if number % 3 == 2 else [] for number, name in enumerate(roles)}
    rules = [random_rule(rng, f"{number:05}", roles) for number in range(size)]
    kept = rng.sample(rules, size - changes)
    added = [random_rule(rng, f"new-{number}", roles) for number in range(changes)]
    return PolicySource(rules, parents), PolicySource([*kept, *added], parents)


def random_rule(rng: random.Random, rule_id: str, roles: list[str]) -> Rule:
    """Return a rule about a part of the documents of a team."""
    path = ["teams", rng.choice(("*", f"team-{rng.randrange(40)}")), rng.choice(("documents", "reports", "keys", "*"))]
    path.append(rng.choice(("*", "**")))
    conditions = [
        {"name": "same", "arguments": {"left": "subject.department", "right": "resource.department"}},
        {"name": "at_most", "arguments": {"attribute": "resource.amount", "number": rng.choice((100, 1000))}},
    ]
    return Rule(
        id=rule_id,
        subject=f"role:{rng.choice(roles)}",
        object="/".join(path),
        action=rng.choice(("read", "write", "list", "*")),
        effect=Effect.DENY if rng.random() < 0.1 else Effect.ALLOW,
        hours=parse_hours(OFFICE) if rng.random() < 0.05 else None,
        conditions=[rng.choice(conditions)] if rng.random() < 0.2 else [],
    )


def hostile() -> dict[str, list[Rule]]:
    """Return rules that are written so that an exact proof takes hours."""

    def rule(number: int, path: str = "**", **members: object) -> Rule:
        given = {"action": "read", "effect": Effect.ALLOW, **members}
        return Rule(id=f"{number:04}", subject="role:staff", object=path, **given)  # type: ignore[arg-type]

    def equals(name: str) -> dict[str, object]:
        return {"name": "equals", "arguments": {"attribute": f"resource.{name}", "value": "x"}}

    return {
        "patterns": [
            rule(number, "/".join("a" if bit == number else "*" for bit in range(24))) for number in range(24)
        ],
        "conditions": [
            rule(number, conditions=[equals(f"n{number}_{each}") for each in range(10)]) for number in range(40)
        ],
        "attributes": [rule(number, conditions=[equals(f"n{number}")]) for number in range(300)],
        "hours": [
            rule(
                number,
                hours=parse_hours({**OFFICE, "from": f"{number % 24:02}:{number % 60:02}", "time_zone": zone}),
                valid_from=datetime(2026, 1 + number % 12, 1 + number % 28, tzinfo=UTC),
            )
            for number in range(200)
            for zone in (("Europe/Madrid", "America/New_York", "Asia/Tehran", "Pacific/Auckland")[number % 4],)
        ],
        "pairs": [
            rule(
                number,
                conditions=[
                    {"name": "same", "arguments": {"left": f"resource.a{number % 4}", "right": f"resource.b{each}"}}
                    for each in range(5)
                ],
            )
            for number in range(50)
        ],
        "lists": [
            rule(
                number,
                conditions=[
                    {"name": "member", "arguments": {"element": f"resource.e{each}", "list": f"resource.l{number % 3}"}}
                    for each in range(4)
                ],
            )
            for number in range(60)
        ],
        "networks": [
            rule(
                number,
                conditions=[
                    {"name": "network", "arguments": {"networks": [f"10.{number}.{each}.0/24" for each in range(200)]}}
                ],
            )
            for number in range(20)
        ],
    }


if __name__ == "__main__":
    sys.exit(main())
