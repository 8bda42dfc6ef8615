"""The risk of a sign-in, from 0 to 100: how much better an attack explains its client than the person does.

Two questions are asked at each level of ``client_levels``: how likely is this value for the person, and how likely is
it for an attacker, who looks like anybody? The logarithm of the quotient is the level's part of the risk. A person with
few sign-ins is expected to be like everybody (a Dirichlet prior of ``PRIORS`` sign-ins), so that a short history makes
no alarm. Freeman's score (``freeman``) sees levels side by side instead of inside each other, and forgets nothing.

The evidence holds whole numbers only, and the risk is computed from it alone: whoever has the record of a sign-in can
compute its risk again.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from security_events.detection.circumstances import (
    NO_CIRCUMSTANCES,
    NO_TRAVEL,
    Circumstances,
    TravelEvidence,
    travel_of,
)
from security_events.detection.client_levels import FEATURES, paths
from security_events.detection.commonness import Commonness
from security_events.detection.sign_ins import ClientFacts, PastSignIn

# Chosen on seeds 1 to 3 of the simulation; figures are given for others.
PRIOR = 2.0  # sign-ins
PRIORS = {"user_agent": 12.0}  # of levels whose values change without a reason: an update brings a new user agent
HALF_LIFE = 90 * 86400.0  # seconds after which a sign-in counts half
COUNTRY_KNOWN = 0.5  # the share of attackers who choose a connection in the person's country
HOUR_PRIOR = 2.0  # sign-ins at any hour
HOUR_WIDTH = 1.5  # hours, the standard deviation around an hour of the past
MIDDLE = 0.0  # the sum of logarithms that is a risk of 50
SLOPE = 1.5  # how many more make it 73
# What has nothing to do with habits, in logarithms. Attacks count for strangers alone: see ``Circumstances``.
TRAVEL = 2.0
TRAVEL_KILOMETRES, TRAVEL_SPEED = 500, 900  # kilometres, and kilometres per hour, from which on nobody travels
KNOWN_DEVICE = -3.0
FIRST_ATTACK, FURTHER_ATTACK, MOST_ATTACKS = 1.0, 0.5, 3
NETWORK_ATTACK = 0.5
LEAST_HISTORY = 3000  # thousandths of sign-ins, below which nobody is called a stranger
LEAST_REASON = 5  # tenths of a logarithm, from which on a part is a reason

_THOUSAND = 1000
_DAY, _HOUR = 86400, 3600


@dataclass(frozen=True, slots=True)
class LevelEvidence:
    """Counts of one level. Those of the person are in thousandths, because old sign-ins count less.

    ``own`` of the person's ``own_above`` sign-ins with the values of the levels above have this value; of all accounts'
    sign-ins it is ``common`` of ``common_above``, among ``distinct`` different values.
    """

    feature: str
    level: str
    own: int
    own_above: int
    common: int
    common_above: int
    distinct: int


@dataclass(frozen=True, slots=True)
class HourEvidence:
    """How many of the person's sign-ins there are, and how dense they are at this hour; both in thousandths."""

    own: int
    density: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that the risk of a sign-in is computed from."""

    levels: tuple[LevelEvidence, ...]
    hour: HourEvidence
    travel: TravelEvidence = NO_TRAVEL
    circumstances: Circumstances = NO_CIRCUMSTANCES


@dataclass(frozen=True, slots=True)
class Risk:
    """A risk from 0 to 100, and the part of each feature, which raises it if positive, in tenths of a logarithm.

    ``reasons`` are the levels and other features that raise it most, the strongest first, each with its tenths.
    """

    score: int
    parts: dict[str, int]
    reasons: dict[str, int]


def evidence_of(
    *,
    client: ClientFacts,
    at: float,
    history: Sequence[PastSignIn],
    commonness: Commonness,
    circumstances: Circumstances = NO_CIRCUMSTANCES,
) -> Evidence:
    """Compare a sign-in with the earlier ones of its account, the oldest first, and with those of everybody."""
    weights = [0.5 ** (max(0.0, at - past.at) / HALF_LIFE) for past in history]
    levels = tuple(
        level
        for feature in FEATURES
        for level in _levels(feature, client=client, history=history, weights=weights, commonness=commonness)
    )
    density = sum(weight * _nearness(at, past.at) for weight, past in zip(weights, history, strict=True))
    hour = HourEvidence(round(sum(weights) * _THOUSAND), round(density * _THOUSAND))
    return Evidence(levels, hour, travel_of(client=client, at=at, history=history), circumstances)


def assess(evidence: Evidence) -> Risk:
    """Return the risk of a sign-in, given its evidence."""
    parts: dict[str, float] = {}
    for (feature, _level), part in _level_parts(evidence).items():
        parts[feature] = parts.get(feature, 0.0) + part
    parts |= _other_parts(evidence)
    raising = sorted(weights(evidence).items(), key=lambda reason: (-reason[1], reason[0]))
    score = 100 / (1 + math.exp(-max(-50.0, min(50.0, (sum(parts.values()) - MIDDLE) / SLOPE))))
    return Risk(
        score=round(score),
        parts={feature: round(10 * part) for feature, part in parts.items()},
        reasons={reason: tenths for reason, tenths in raising if tenths >= LEAST_REASON},
    )


def weights(evidence: Evidence) -> dict[str, int]:
    """Return how much each level and each other feature raises the risk, in tenths of a logarithm."""
    parts = {level: part for (_feature, level), part in _level_parts(evidence).items()} | _other_parts(evidence)
    return {feature: round(10 * part) for feature, part in parts.items()}


def log_odds(evidence: Evidence) -> float:
    """Return the sum of all parts: the risk before it is fitted between 0 and 100."""
    return sum(_level_parts(evidence).values()) + sum(_other_parts(evidence).values())


def _level_parts(evidence: Evidence) -> dict[tuple[str, str], float]:
    parts: dict[tuple[str, str], float] = {}
    for each in evidence.levels:
        parts[each.feature, each.level] = parts.get((each.feature, each.level), 0.0) + _part(each)
    return parts


def _other_parts(evidence: Evidence) -> dict[str, float]:
    found, travel = evidence.circumstances, evidence.travel
    is_impossible = travel.kilometres >= TRAVEL_KILOMETRES and travel.kilometres_per_hour >= TRAVEL_SPEED
    # Whoever attacks an account or from a network must not make the sign-ins of those who belong there risky.
    is_stranger = not found.is_known_device and not found.familiar and evidence.hour.own >= LEAST_HISTORY
    account = min(found.account_attacks, MOST_ATTACKS) if is_stranger else 0
    network = min(found.network_attacks, MOST_ATTACKS) if is_stranger else 0
    return {
        "hour": _hour_part(evidence.hour),
        "travel": TRAVEL if is_impossible and not found.is_known_device else 0.0,
        "device": KNOWN_DEVICE if found.is_known_device else 0.0,
        "recent_attack": FIRST_ATTACK + FURTHER_ATTACK * (account - 1) if account else 0.0,
        "reputation": NETWORK_ATTACK * network,
    }


def _levels(
    feature: str,
    *,
    client: ClientFacts,
    history: Sequence[PastSignIn],
    weights: Sequence[float],
    commonness: Commonness,
) -> list[LevelEvidence]:
    # A past sign-in is alike down to the first level at which its value is another one.
    values = tuple(value_of for _level, value_of in FEATURES[feature])
    wanted = tuple(value_of(client) for value_of in values)
    alike = [0.0] * len(values)
    depths: dict[int, int] = {}  # of clients that occur several times in the history
    for weight, past in zip(weights, history, strict=True):
        depth = depths.get(id(past.client))
        if depth is None:
            depth = depths[id(past.client)] = _alike(past.client, values, wanted)
        for number in range(depth):
            alike[number] += weight
    found, own_above = [], sum(weights)
    for (level, path), own in zip(paths(feature, client), alike, strict=True):
        found.append(
            LevelEvidence(
                feature=feature,
                level=level,
                own=round(own * _THOUSAND),
                own_above=round(own_above * _THOUSAND),
                common=commonness.count(feature, path),
                common_above=commonness.count(feature, path[:-1]),
                distinct=commonness.distinct(feature, path[:-1]),
            )
        )
        own_above = own
    return found


def _alike(client: ClientFacts, values: Sequence[Callable[[ClientFacts], object]], wanted: Sequence[object]) -> int:
    """Return at how many levels a client has the wanted values, from the first level on."""
    for number, value_of in enumerate(values):
        if value_of(client) != wanted[number]:
            return number
    return len(values)


def _part(level: LevelEvidence) -> float:
    """Return the logarithm of: likelihood for an attacker, divided by likelihood for the person."""
    # Half a sign-in more for each value that occurred, and for one that did not: no value is impossible.
    common = (level.common + 0.5) / (level.common_above + 0.5 * (level.distinct + 1) + 1)
    own, own_above = level.own / _THOUSAND, level.own_above / _THOUSAND
    prior = PRIORS.get(level.level, PRIOR)
    for_person = (own + prior * common) / (own_above + prior)
    for_attacker = common
    if level.level == "country" and own_above:
        for_attacker = (1 - COUNTRY_KNOWN) * common + COUNTRY_KNOWN * own / own_above
    return math.log(for_attacker / for_person)


def _hour_part(hour: HourEvidence) -> float:
    own = (hour.density / _THOUSAND + HOUR_PRIOR / 24) / (hour.own / _THOUSAND + HOUR_PRIOR)
    return math.log(1 / 24 / own)


def _nearness(at: float, past: float) -> float:
    """Return the density per hour of a normal distribution around the hour of a past sign-in."""
    hours = abs(at % _DAY - past % _DAY) / _HOUR
    distance = min(hours, 24 - hours)
    return math.exp(-(distance**2) / (2 * HOUR_WIDTH**2)) / (HOUR_WIDTH * math.sqrt(2 * math.pi))
