"""Values of attributes, and instants, that conditions tell apart: enough of them to meet every case that there is.

Conditions compare with constants and with each other. So it is enough to try each constant, something between and
beyond numbers, a text that no rule names, and the attribute missing. Where two attributes are compared it is two
numbers and two texts, so that they can be different. For instants it is the bounds of rules, and the bounds of hours in
one week for each way in which the clocks of the zones stand to each other.
"""

import ipaddress
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain, combinations, pairwise
from math import inf
from typing import Any

from accounts.access.deciding.attributes import MISSING
from accounts.access.deciding.hours import Hours
from accounts.access.deciding.rules import Rule
from accounts.access.impact.budget import WorkBudget

FRESH = ("somebody", "somebody else")
_STEP = timedelta(microseconds=1)
_WEEK = timedelta(weeks=1)
_YEAR_OF_WEEKS = 53
_MOST_ELEMENTS = 8  # of a list: all subsets are tried
# Beyond these, only to list the cases would take seconds.
_MOST_PAIRS, _MOST_NETWORKS = 20, 300


class SecondsAgo(float):
    """A value that is so many seconds before the instant of the decision."""


class TooManyCases(Exception):
    """A policy has conditions that tell more cases apart than can be tried."""


def attribute_values(rules: Iterable[Rule]) -> dict[str, list[Any]]:
    """Return for each attribute that the rules read the values to try.

    Raises: TooManyCases, also for conditions that are not this app's own: nothing is known of what they compare.
    """
    compared = _Compared()
    for rule in rules:
        for name in ("department", "location"):
            if value := getattr(rule, name):
                compared.equals({"attribute": f"subject.{name}", "value": value})
        for condition in rule.conditions:
            note = getattr(compared, condition["name"], None)
            if note is None:
                raise TooManyCases(condition["name"])
            note(condition["arguments"])
    return compared.values()


class _Compared:
    """What attributes are compared with. Each method notes a condition of its name."""

    def __init__(self) -> None:
        self._constants: dict[str, dict[str, Any]] = defaultdict(dict)
        self._bounds: dict[str, set[float]] = defaultdict(set)
        self._lists: dict[str, set[str]] = defaultdict(set)  # by the list the elements that are looked for
        self._pairs: list[tuple[str, str]] = []
        self._ages: set[float] = set()
        self._networks: set[str] = set()

    def equals(self, arguments: Mapping[str, Any]) -> None:
        value = arguments["value"]
        self._constants[arguments["attribute"]][repr(value)] = value  # true and 1 are different values

    def same(self, arguments: Mapping[str, Any]) -> None:
        self._pairs.append((arguments["left"], arguments["right"]))

    def member(self, arguments: Mapping[str, Any]) -> None:
        self._lists[arguments["list"]].add(arguments["element"])

    def at_most(self, arguments: Mapping[str, Any]) -> None:
        self._bounds[arguments["attribute"]].add(arguments["number"])

    at_least = at_most

    def risk_below(self, arguments: Mapping[str, Any]) -> None:
        self._bounds["context.risk"].add(arguments["risk"])

    def factor_within(self, arguments: Mapping[str, Any]) -> None:
        self._ages.add(arguments["seconds"])

    def network(self, arguments: Mapping[str, Any]) -> None:
        self._networks.update(arguments["networks"])

    def values(self) -> dict[str, list[Any]]:
        """Return the values to try, by the names of attributes."""
        if len(self._pairs) > _MOST_PAIRS or len(self._networks) > _MOST_NETWORKS:
            raise TooManyCases("conditions")
        elements = set(chain(*self._lists.values()))
        names = {*self._constants, *self._bounds, *chain(*self._pairs), *elements}
        compared = {*chain(*self._pairs), *elements}
        found = {
            name: [
                *self._constants[name].values(),
                *_around(self._bounds[name], numbers=2 if name in compared else 1),
                *FRESH[: 2 if name in compared else 1],
            ]
            for name in sorted(names)
        }
        self._share(found)
        for name, looked_for in self._lists.items():
            pool = _unique(chain(*(found[element] for element in sorted(looked_for))))
            if len(pool) > _MOST_ELEMENTS:
                raise TooManyCases(name)
            lists = [list(some) for size in range(len(pool) + 1) for some in combinations(pool, size)]
            found[name] = [*found.get(name, ()), *lists]
        if self._ages:
            found["context.factor_at"] = [SecondsAgo(age) for age in _around(self._ages, numbers=1)]
        if self._networks:
            found["context.ip_address"] = _addresses(self._networks)
        return {name: [*values, MISSING] for name, values in found.items()}

    def _share(self, found: dict[str, list[Any]]) -> None:
        """Give attributes that are compared with each other the same values to try."""
        pairs = [*self._pairs, *chain(*(combinations(sorted(each), 2) for each in self._lists.values()))]
        if len(pairs) > _MOST_PAIRS:
            raise TooManyCases("conditions")
        for left, right in pairs * len(pairs):  # as often as a chain of pairs can be long
            found[left] = found[right] = _unique([*found[left], *found[right]])


def instants(rules: Sequence[Rule], *, now: datetime, budget: WorkBudget | None = None) -> list[datetime]:
    """Return instants that the rules' times tell apart. There is at least one: ``now``.

    Raises: BudgetExhausted.
    """
    spent = budget or WorkBudget(inf)
    bounds = sorted({each for rule in rules for each in (rule.valid_from, rule.valid_until) if each is not None})
    hours = {rule.hours for rule in rules if rule.hours is not None}
    starts = [min([now, *(bound - _STEP for bound in bounds[:1])]), *bounds]
    ends = [*bounds, None]
    found = dict.fromkeys([now, *starts, *(bound - _STEP for bound in bounds)])
    for start, end in zip(starts, ends, strict=True):
        for bound in _bounds_of_hours(hours, start, end, spent):
            found[bound] = None
    cases: dict[tuple[bool, ...], datetime] = {}
    for at in found:
        spent.spend(len(rules) / 10)
        case = tuple(
            (rule.valid_from is None or at >= rule.valid_from)
            and (rule.valid_until is None or at < rule.valid_until)
            and (rule.hours is None or rule.hours.contain(at))
            for rule in rules
        )
        cases.setdefault(case, at)
    return list(cases.values())


def with_attributes(values: Mapping[str, Any], at: datetime) -> dict[str, dict[str, Any]]:
    """Return attributes as a decision takes them, given the values by dotted names."""
    attributes: dict[str, dict[str, Any]] = {}
    for name, value in values.items():
        if value is MISSING:
            continue
        *roots, last = name.split(".")
        place: dict[str, Any] = attributes
        for root in roots:
            place = place.setdefault(root, {})
        place[last] = at.timestamp() - value if isinstance(value, SecondsAgo) else value
    return attributes


def _around(bounds: Iterable[float], *, numbers: int) -> list[float]:
    """Return the bounds, and so many numbers below, above and between each two of them."""
    ordered = sorted(bounds)
    if not ordered:
        return []
    steps = range(1, numbers + 1)
    found = [*(ordered[0] - step for step in steps), *ordered, *(ordered[-1] + step for step in steps)]
    for low, high in pairwise(ordered):
        found += [low + (high - low) * step / (numbers + 1) for step in steps]
    return sorted(found)


def _addresses(networks: Iterable[str]) -> list[str]:
    """Return addresses at the bounds of networks, one for each set of networks that one can be in."""
    parsed = sorted(map(ipaddress.ip_network, networks), key=str)
    tried: list[Any] = [ipaddress.ip_address("192.0.2.1"), ipaddress.ip_address("2001:db8::1")]
    for network in parsed:
        first, last = network[0], network[-1]
        tried += [first, last]
        if int(first) > 0:
            tried.append(first - 1)
        if int(last) < 2**first.max_prefixlen - 1:
            tried.append(last + 1)
    cases: dict[tuple[bool, ...], str] = {}
    for address in tried:
        cases.setdefault(tuple(address in network for network in parsed), str(address))
    return list(cases.values())


def _bounds_of_hours(
    hours: Collection[Hours], start: datetime, end: datetime | None, budget: WorkBudget
) -> Iterator[datetime]:
    """Return the bounds of hours between two instants: in the first week, and in one for each stand of the clocks."""
    if not hours:
        return
    zones = sorted({each.zone for each in hours}, key=str)
    stands: set[tuple[Any, ...]] = set()
    for number in range(_YEAR_OF_WEEKS):
        week = start + number * _WEEK
        if end is not None and week >= end:
            return
        budget.spend(len(zones) / 5)
        stand = tuple(week.astimezone(zone).utcoffset() for zone in zones)
        if stand in stands:
            continue
        stands.add(stand)
        for each in hours:
            midnight = week.astimezone(each.zone).replace(hour=0, minute=0, second=0, microsecond=0)
            for day in range(9):
                budget.spend(0.5)
                for clock in (each.begin, each.end):
                    local = (midnight + timedelta(days=day)).replace(hour=clock.hour, minute=clock.minute)
                    at = local.astimezone(UTC)
                    if at >= start and (end is None or at < end):
                        yield at


def _unique(values: Iterable[Any]) -> list[Any]:
    return list({repr(value): value for value in values}.values())
