"""What rules look for in the facts of a window: pure functions. Thresholds come from the rule or its settings."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice

from security_events.detection.fact_window import newest, summary_of
from security_events.detection.facts import Fact
from security_events.detection.rules import Finding
from security_events.detection.window_summaries import OpenFailures, SearchedNames, is_search
from security_events.geoip import distance_km

_LAST_PLACES = 5
_SHORTEST_HOURS = 1 / 60


def repeated(facts: Sequence[Fact], thresholds: Mapping[str, int]) -> Finding | None:
    """Find ``events`` events from at least ``addresses`` addresses (1 if it is not given)."""
    return reached(
        thresholds, events=sum(fact.times for fact in facts), addresses=len({fact.ip_address for fact in facts})
    )


def guessed_passwords(facts: Sequence[Fact], thresholds: Mapping[str, int]) -> Finding | None:
    """Find ``failures`` failures of one account within ``seconds``, from at least ``addresses`` addresses.

    Failures from a network that the account has signed in from don't count: people forget their passwords at home. One
    failure counts a half by a program that it has signed in with, or in a country that it has signed in from, because
    people forget them on the way and with new devices, too; and as long as the account has not signed in at all,
    because then nothing is known of it.
    """
    failures = recent_failures(facts, facts[-1].began_at - thresholds["seconds"])
    if sum(fact.times for fact in failures) < thresholds["failures"]:
        return None  # as nearly always: the months before are not looked at
    strange = strange_failures(failures, [fact for fact in facts if fact.succeeded])
    return reached(
        thresholds,
        failures=sum(halves for _fact, halves in strange) // 2,
        addresses=len({fact.ip_address for fact, _halves in strange}),
    )


def recent_failures(facts: Sequence[Fact], since: float) -> list[Fact]:
    """Return the failures that can have been from a moment on."""
    return [fact for fact in newest(facts, since) if not fact.succeeded and fact.ended_at >= since]


def strange_failures(failures: Iterable[Fact], successes: Sequence[Fact]) -> list[tuple[Fact, int]]:
    """Return the failures from networks that the account never signed in from, each with what it counts, in halves."""
    networks = {fact.network for fact in successes}
    known = {trait for fact in successes for trait in _traits(fact)}
    return [
        (fact, fact.times * (1 if not successes or any(trait in known for trait in _traits(fact)) else 2))
        for fact in failures
        if fact.network not in networks
    ]


def _traits(fact: Fact) -> Iterator[tuple[str, str]]:
    """Return what makes a client look like one that an account signed in with: its program and its country."""
    yield "program", fact.program
    if fact.location is not None and fact.location.country:
        yield "country", fact.location.country


def many_accounts(
    facts: Sequence[Fact], thresholds: Mapping[str, int], *, without: str | None = None
) -> Finding | None:
    """Find failures on many accounts with few tries each, as with lists of stolen passwords.

    ``tries`` failures on ``accounts`` accounts, of which ``few_percent`` per cent have at most ``most_each`` tries, and
    from ``addresses`` addresses. As many accounts and tries with at most ``most_each`` are found among any number of
    others: nobody hides a list by trying some of its accounts more often. Accounts that succeeded afterwards don't
    count: their owners mistyped. Neither do failures that are less than ``failing_percent`` per cent of all accounts in
    the window: on a large site, somebody is always failing. ``without`` is an account that is left out.
    """
    if len(facts) < thresholds["accounts"]:
        return None  # as nearly always in small networks: nothing is counted
    failures = summary_of(facts, OpenFailures)
    counts = failures.counts(without=without)
    few, tries_of_few = counts.failing_with(1, thresholds["most_each"]), counts.tries_up_to(thresholds["most_each"])
    is_hidden = few >= thresholds["accounts"] and tries_of_few >= thresholds["tries"]
    if (
        not counts.failing
        or (100 * few < thresholds["few_percent"] * counts.failing and not is_hidden)
        or 100 * counts.failing < thresholds.get("failing_percent", 0) * counts.accounts
        or not reached(thresholds, tries=counts.tries, accounts=counts.failing)
    ):
        return None
    addresses = len({fact.ip_address for fact in failures.of_failing(without=without)})
    return reached(thresholds, tries=counts.tries, accounts=counts.failing, addresses=addresses)


def sprayed_passwords(
    facts: Sequence[Fact], thresholds: Mapping[str, int], *, without: str | None = None
) -> Finding | None:
    """Find failures on some accounts with several tries each, as with a few common passwords.

    ``tries`` failures on ``accounts`` accounts, of which ``band_percent`` per cent have ``least_each`` to ``most_each``
    tries. Accounts that succeeded afterwards don't count. ``without`` is an account that is left out.
    """
    if len(facts) < thresholds["accounts"]:
        return None
    counts = summary_of(facts, OpenFailures).counts(without=without)
    band = counts.failing_with(thresholds["least_each"], thresholds["most_each"])
    if not counts.failing or 100 * band < thresholds["band_percent"] * counts.failing:
        return None
    return reached(thresholds, tries=counts.tries, accounts=counts.failing)


def many_unknown_names(facts: Sequence[Fact], thresholds: Mapping[str, int]) -> Finding | None:
    """Find ``names`` different names, the last one among them: such as no account has, or as a reset was asked for."""
    if not is_search(facts[-1]) or len(facts) < thresholds["names"]:
        return None
    return reached(thresholds, names=len(summary_of(facts, SearchedNames)))


def unfinished(facts: Sequence[Fact], thresholds: Mapping[str, int]) -> Finding | None:
    """Find ``challenges`` second factors that were asked for since the last sign-in that was completed."""
    waiting: list[Fact] = []
    for fact in facts:
        if fact.type.endswith("login_succeeded"):
            waiting.clear()
        else:
            waiting.append(fact)
    return reached(thresholds, challenges=sum(fact.times for fact in waiting))


def impossible_travel(facts: Sequence[Fact], thresholds: Mapping[str, int]) -> Finding | None:
    """Find a sign-in that is ``kilometres`` away from the one before and would have needed ``kilometres_per_hour``.

    A place that is less than ``near_kilometres`` from one of the last five is known, so it is no journey. The accuracy
    of both places is subtracted from the distance. Places of relays, and those of an accuracy of more than
    ``radius_kilometres``, say nothing.
    """
    last, radius = facts[-1], thresholds["radius_kilometres"]
    if not (last.succeeded and is_placed(last, radius)):
        return None
    visits = (fact for fact in reversed(facts) if fact.succeeded and is_placed(fact, radius))
    before: list[tuple[Fact, float]] = []
    for visit in islice(visits, 1, 1 + _LAST_PLACES):
        distance = kilometres_apart(last, visit)
        if distance < thresholds["near_kilometres"]:
            return None  # as nearly always: earlier facts are not looked at
        before.append((visit, distance))
    if not before:
        return None
    previous, distance = before[0]
    hours = max(abs(last.at - previous.at) / 3600, _SHORTEST_HOURS)  # times are not quite in the order of the trail
    found = reached(thresholds, kilometres=int(distance), kilometres_per_hour=int(distance / hours))
    return found and replace(found, facts=(previous, last))


def by_oneself(facts: Sequence[Fact], _thresholds: Mapping[str, int]) -> Finding | None:
    """Find that somebody did it to themselves, such as granting rights."""
    last = facts[-1]
    return Finding({"events": 1}) if last.actor and last.actor == last.account else None


def is_placed(fact: Fact, radius: int) -> bool:
    place = fact.location
    return place is not None and place.latitude is not None and not fact.is_relay and place.radius_km <= radius


def kilometres_apart(first: Fact, second: Fact) -> float:
    """Return how far two facts are from each other at least, given the accuracy of their places."""
    if first.location is None or second.location is None:
        return 0.0
    distance = distance_km(first.location, second.location) or 0.0
    return max(0.0, distance - first.location.radius_km - second.location.radius_km)


def reached(thresholds: Mapping[str, int], **counts: int) -> Finding | None:
    """Return a finding if each count reaches the threshold of its name; 1 is the threshold of one that has none."""
    if any(count < thresholds.get(name, 1) for name, count in counts.items()):
        return None
    return Finding(counts)
