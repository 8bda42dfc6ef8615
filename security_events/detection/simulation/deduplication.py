"""What deduplication makes of a stream: the trail holds refusals once a minute, and then a summary of the repeats.

The same as ``security_events.services.deduplication`` does in the database. Rules are measured on such a stream,
because it is what they see.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from security_events.detection.facts import Fact

NETWORK_LIMIT = 30  # different refusals of one network that are recorded in a minute
SUMMARY_DELAY = 30.0  # seconds from the end of a minute to the summary: half of the time between two runs of the job
REPEATS = "+repeats"  # ends the event id of a summary
DEDUPLICATED = frozenset(
    {
        "authentication.login_failed",
        "password.reset_requested",
        "ratelimit.addresses_rotated",
        "ratelimit.accounts_swept",
        "ratelimit.user_agents_rotated",
        "network.request_manipulated",
        "network.headers_manipulated",
    }
)
_MINUTE = 60.0


def deduplicated(facts: Iterable[Fact]) -> list[Fact]:
    """Return the facts of the trail, given what happened in the order of time."""
    stored: list[Fact] = []
    firsts: dict[tuple[str, str, str, float], Fact] = {}
    times: Counter[tuple[str, str, str, float]] = Counter()
    of_network: Counter[tuple[str, float]] = Counter()
    for fact in facts:
        if fact.type not in DEDUPLICATED:
            stored.append(fact)
            continue
        minute = fact.at // _MINUTE
        key = (fact.type, fact.account, fact.ip_address, minute)
        if key not in firsts:
            of_network[fact.network, minute] += 1
            if of_network[fact.network, minute] > NETWORK_LIMIT:
                continue  # only the number of these is recorded
            firsts[key] = fact
            stored.append(fact)
        times[key] += fact.times
    stored += [
        replace(
            first,
            event_id=first.event_id + REPEATS,
            at=(key[3] + 1) * _MINUTE + SUMMARY_DELAY,
            since=first.at,
            times=times[key] - 1,
        )
        for key, first in firsts.items()
        if times[key] > 1
    ]
    return sorted(stored, key=lambda fact: fact.at)
