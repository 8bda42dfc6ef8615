"""What rules look for in sign-ins that succeeded, and in what operators do: that somebody else may have the account.

Pure functions of a window, as in ``judges``; the last fact is the sign-in or the action.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from security_events.detection.fact_window import summary_of
from security_events.detection.facts import Fact
from security_events.detection.judges import (
    is_placed,
    kilometres_apart,
    many_accounts,
    reached,
    recent_failures,
    sprayed_passwords,
    strange_failures,
)
from security_events.detection.rules import Finding
from security_events.detection.window_summaries import OpenFailures

_HOUR, _DAY = 3600.0, 86400.0
_LONG_AGO = 30  # days: no window reaches further


def after_guesses(facts: Sequence[Fact], thresholds: Mapping[str, int]) -> Finding | None:
    """Find a sign-in from a strange client within ``seconds`` after passwords or codes of the account were guessed.

    Guessed means: ``failures`` within ``burst_seconds``, ``many_failures`` within ``many_seconds`` from
    ``many_addresses`` addresses, or ``codes`` wrong codes within ``code_seconds``. Failures count as in
    ``guessed_passwords``. A client is strange if the account never signed in from its network, nor by its program
    unless that is the guesser's: a person on the way is not suspected because of somebody else's guesses. Of a new
    account, with fewer than ``sign_ins`` sign-ins in the window and one before it, nothing is known.
    """
    last = facts[-1]
    failures = recent_failures(facts, last.at - thresholds["seconds"])
    least = min(thresholds["failures"], thresholds["many_failures"], thresholds["codes"])
    if not failures or sum(fact.times for fact in failures) < least:
        return None  # as nearly always: the months before are not looked at
    known = [fact for fact in facts[:-1] if fact.succeeded]
    if len(known) < thresholds["sign_ins"] and last.days_since_last < _LONG_AGO:
        return None
    strange = strange_failures(failures, known)
    is_guessers = any(fact.program == last.program for fact, _halves in strange)
    if any(fact.network == last.network or (fact.program == last.program and not is_guessers) for fact in known):
        return None
    passwords = [(fact, halves) for fact, halves in strange if not _is_code(fact)]
    codes = [(fact, 2 * fact.times) for fact, _halves in strange if _is_code(fact)]
    burst, _addresses = _densest(passwords, thresholds["burst_seconds"])
    many, addresses = _densest(passwords, thresholds["many_seconds"])
    wrong, _addresses = _densest(codes, thresholds["code_seconds"])
    if (
        burst >= thresholds["failures"]
        or (many >= thresholds["many_failures"] and addresses >= thresholds["many_addresses"])
        or wrong >= thresholds["codes"]
    ):
        return Finding({"failures": burst, "many_failures": many, "codes": wrong})
    return None


def from_attack(facts: Sequence[Fact], thresholds: Mapping[str, int]) -> Finding | None:
    """Find the first sign-in of a client of an account from a network that is trying passwords of other accounts.

    What counts as trying is the same as in ``many_accounts``, or in ``sprayed_passwords`` if ``least_each`` is given.
    """
    last = facts[-1]
    if not last.is_new_client:
        return None
    judge = sprayed_passwords if "least_each" in thresholds else many_accounts
    finding = judge(facts, thresholds, without=last.account)
    tried = summary_of(facts, OpenFailures).of_failing(without=last.account)
    return finding if finding and any(fact.network == last.network for fact in tried) else None


def new_client(facts: Sequence[Fact], thresholds: Mapping[str, int]) -> Finding | None:
    """Find a sign-in whose network and program are both new, far from all places that the account signed in from.

    ``sign_ins`` earlier ones are needed, so that it is known what is usual. Far is ``kilometres`` from the nearest of
    them; without a database of places, a new network has to do. Places of relays say nothing.
    """
    last = facts[-1]
    if not last.is_new_client:
        return None
    earlier = [fact for fact in facts[:-1] if fact.succeeded]
    if any(fact.network == last.network or fact.program == last.program for fact in earlier):
        return None
    if not any(fact.location and fact.location.latitude is not None for fact in facts):
        return reached(thresholds, sign_ins=len(earlier))
    placed = [fact for fact in earlier if is_placed(fact, thresholds["radius_kilometres"])]
    if not placed or not is_placed(last, thresholds["radius_kilometres"]):
        return None
    nearest = min(kilometres_apart(last, fact) for fact in placed)
    return reached(thresholds, sign_ins=len(earlier), kilometres=int(nearest))


def returned(facts: Sequence[Fact], thresholds: Mapping[str, int]) -> Finding | None:
    """Find a sign-in by password alone from a new client after ``days`` days without any.

    A password that was reset by mail shortly before is a proof that the mailbox is the person's.
    """
    last = facts[-1]
    if not (last.is_password_alone and last.is_new_client) or any(fact.type != last.type for fact in facts):
        return None
    return reached(thresholds, days=last.days_since_last)


def unusual_grant(facts: Sequence[Fact], thresholds: Mapping[str, int]) -> Finding | None:
    """Find rights that were granted on an operator's first day in the window, or at an hour unusual for them.

    Actions of the last ``first_hours`` teach nothing: else an attacker would do something harmless first. An hour is
    unusual if less than ``usual_percent`` per cent of the operator's earlier actions, of which there are ``actions``,
    were within ``hours`` of it on any day. So people who work at night are left alone.
    """
    last = facts[-1]
    earlier = [fact for fact in facts[:-1] if fact.at < last.at - thresholds["first_hours"] * _HOUR]
    if not earlier:
        return Finding({"earlier_actions": 0})
    near = sum(1 for fact in earlier if _hours_apart(last.at, fact.at) <= thresholds["hours"])
    if 100 * near >= thresholds["usual_percent"] * len(earlier):
        return None
    return reached(thresholds, actions=len(earlier))


def several_kinds(facts: Sequence[Fact], thresholds: Mapping[str, int]) -> Finding | None:
    """Find events of ``kinds`` different types."""
    return reached(thresholds, kinds=len({fact.type for fact in facts}))


def _is_code(fact: Fact) -> bool:
    return fact.type.startswith("mfa.")


def _densest(counted: Sequence[tuple[Fact, int]], seconds: int) -> tuple[int, int]:
    """Return the most failures within that many seconds, and from how many addresses they came; in linear time."""
    addresses: Counter[str] = Counter()
    most, most_addresses, halves, first = 0, 0, 0, 0
    for fact, weight in counted:
        halves += weight
        addresses[fact.ip_address] += 1
        while counted[first][0].ended_at < fact.began_at - seconds:
            gone, gone_weight = counted[first]
            halves -= gone_weight
            addresses[gone.ip_address] -= 1
            if not addresses[gone.ip_address]:
                del addresses[gone.ip_address]
            first += 1
        if halves > most:
            most, most_addresses = halves, len(addresses)
    return most // 2, most_addresses


def _hours_apart(first: float, second: float) -> float:
    """Return the distance between two times of the day."""
    apart = abs(first % _DAY - second % _DAY) / _HOUR
    return min(apart, 24 - apart)
