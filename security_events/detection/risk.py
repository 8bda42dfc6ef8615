"""The risk of a sign-in, from 0 to 100: how much better an attack explains its client than the person does.

Two questions are asked at each level of ``client_levels``: how likely is this value for the person, and how likely is
it for an attacker, who looks like anybody? The logarithm of the quotient is the level's part of the risk. A person with
few sign-ins is expected to be like everybody (a Dirichlet prior of ``PRIORS`` sign-ins), so that a short history makes
no alarm. Freeman's score (``freeman``) sees levels side by side instead of inside each other, and forgets nothing.

The evidence holds whole numbers only, and the risk is computed from it alone: whoever has the record of a sign-in can
compute its risk again.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from security_events.detection.client_levels import FEATURES, paths
from security_events.detection.commonness import Commonness
from security_events.detection.sign_ins import ClientFacts

# Chosen on seeds 1 to 3 of the simulation; figures are given for others.
PRIOR = 2.0  # sign-ins
PRIORS = {"user agent": 12.0}  # of levels whose values change without a reason: an update brings a new user agent
HALF_LIFE = 90 * 86400.0  # seconds after which a sign-in counts half
COUNTRY_KNOWN = 0.5  # the share of attackers who choose a connection in the person's country
HOUR_PRIOR = 2.0  # sign-ins at any hour
HOUR_WIDTH = 1.5  # hours, the standard deviation around an hour of the past
MIDDLE = 0.0  # the sum of logarithms that is a risk of 50
SLOPE = 1.5  # how many more make it 73

_THOUSAND = 1000
_DAY, _HOUR = 86400, 3600


@dataclass(frozen=True, slots=True)
class PastSignIn:
    """A successful sign-in of the same account. ``at`` is in seconds since 1970."""

    at: float
    client: ClientFacts


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


@dataclass(frozen=True, slots=True)
class Risk:
    """A risk from 0 to 100, and the part of each feature, which raises it if positive, in tenths of a logarithm."""

    score: int
    parts: dict[str, int]


def evidence_of(*, client: ClientFacts, at: float, history: Sequence[PastSignIn], commonness: Commonness) -> Evidence:
    """Compare a sign-in with the earlier ones of its account and with those of everybody."""
    weights = [0.5 ** (max(0.0, at - past.at) / HALF_LIFE) for past in history]
    levels = tuple(
        level
        for feature in FEATURES
        for level in _levels(feature, client=client, history=history, weights=weights, commonness=commonness)
    )
    density = sum(weight * _nearness(at, past.at) for weight, past in zip(weights, history, strict=True))
    return Evidence(levels, HourEvidence(round(sum(weights) * _THOUSAND), round(density * _THOUSAND)))


def assess(evidence: Evidence) -> Risk:
    """Return the risk of a sign-in, given its evidence."""
    parts: dict[str, float] = {}
    for level in evidence.levels:
        parts[level.feature] = parts.get(level.feature, 0.0) + _part(level)
    parts["hour"] = _hour_part(evidence.hour)
    total = sum(parts.values())
    score = 100 / (1 + math.exp(-max(-50.0, min(50.0, (total - MIDDLE) / SLOPE))))
    return Risk(round(score), {feature: round(10 * part) for feature, part in parts.items()})


def log_odds(evidence: Evidence) -> float:
    """Return the sum of all parts: the risk before it is fitted between 0 and 100."""
    return sum(map(_part, evidence.levels)) + _hour_part(evidence.hour)


def _levels(
    feature: str,
    *,
    client: ClientFacts,
    history: Sequence[PastSignIn],
    weights: Sequence[float],
    commonness: Commonness,
) -> list[LevelEvidence]:
    # What the person's sign-ins have in common with this one gets less from level to level.
    alike = [(weight, list(paths(feature, past.client))) for weight, past in zip(weights, history, strict=True)]
    found, own_above = [], sum(weights)
    for number, (level, path) in enumerate(paths(feature, client)):
        alike = [(weight, levels) for weight, levels in alike if levels[number][1] == path]
        own = sum(weight for weight, _levels in alike)
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
