"""Operators and what they do, for rules about rights.

Assumptions: there is an operator for each 50 people, and at least three. An operator acts three times a day on average,
around an hour of their own; of ten operators one works at night. Of 20 actions one grants rights: a role, or a change
of the access policy. One of 300 changes of the policy is for a role that its author has, too, and nobody approved it.
One of 500 actions is an emergency at any hour. The stream shows operators from a month before the
first person, as a server would that has run for a while. One of 20 operators is new in the stream.
"""

from collections.abc import Iterator
from random import Random

from security_events.detection.facts import Fact
from security_events.detection.simulation.people import BEGIN, DAY

GRANTED = "staff_rights.granted"
GRANTS = (GRANTED, "role.granted", "policy.rule_added", "policy.rule_changed", "policy.draft_applied")
EXTENDED = "policy.own_rights_extended"
TO_ONESELF = (GRANTED, "role.granted", EXTENDED)
ACTED = "password.reset_sent"
_BEFORE = 31 * DAY


class Operators:
    """Some operators; ``hours`` are those at which each usually acts."""

    def __init__(self, *, people: int, rng: Random) -> None:
        self._rng = rng
        self.hours = {
            f"operator-{number}": rng.gauss(2, 1) % 24 if number % 10 == 9 else rng.gauss(14, 2)
            for number in range(max(3, people // 50))
        }

    def facts(self, *, days: int) -> Iterator[Fact]:
        """Return what the operators do, one operator after the other."""
        rng = self._rng
        for operator, hour in self.hours.items():
            is_new = rng.random() < 1 / 20
            begin = BEGIN + rng.uniform(0, days) * DAY if is_new else BEGIN - _BEFORE
            day = first_day = begin // DAY
            while day * DAY < BEGIN + days * DAY:
                for _ in range(rng.choice((1, 2, 3, 4, 5))):
                    at_hour = rng.uniform(0, 24) if rng.random() < 1 / 500 else rng.gauss(hour, 1.5) % 24
                    # The first day that the stream shows of operators who are not new is not the first that they had.
                    may_grant = is_new or day > first_day + 1
                    type_ = rng.choice(GRANTS) if may_grant and rng.random() < 1 / 20 else ACTED
                    at = day * DAY + at_hour * 3600
                    yield action(operator, type_, at=at, target=f"person-{rng.randrange(99)}")
                    if type_.startswith("policy.") and rng.random() < 1 / 300:
                        yield action(operator, EXTENDED, at=at + 0.001, target=operator)
                day += 1


def action(operator: str, type_: str, *, at: float, target: str) -> Fact:
    """Return the fact of what an operator did to somebody."""
    return Fact(
        event_id=f"{operator}-{at}",
        at=at,
        type=type_,
        succeeded=True,
        account=target,
        actor=operator,
        operator=operator if operator != target else "",
    )
