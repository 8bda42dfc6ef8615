"""Compare our score of a sign-in with Freeman's on the same simulated stream.

Each person's sign-in number n + 1 is scored, and so are attackers who try the same account at about that time, before
the sign-in is counted. The share of honest sign-ins that would be challenged at the threshold that catches a share of
the attackers is what a score costs the people whom it protects.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random

from security_events.detection import risk
from security_events.detection.commonness import CountedClients
from security_events.detection.freeman import FreemanScore
from security_events.detection.sign_ins import ClientFacts, PastSignIn
from security_events.detection.simulation.attackers import Attacker, attack
from security_events.detection.simulation.people import Population

OURS, FREEMAN = "Cedrina", "Freeman"
HISTORIES = (12, 39)  # numbers of earlier sign-ins, those of Wiefling et al. (2022)
CAUGHT = 0.98
_ATTACKS_EACH = 2
_KEPT = 60  # of a person's last sign-ins; ours looks at no more
_HALF_A_DAY = 43200


@dataclass(slots=True)
class Scores:
    """The scores of one method at one length of history."""

    honest: list[float] = field(default_factory=list)
    attacks: dict[Attacker, list[float]] = field(default_factory=lambda: {each: [] for each in Attacker})

    def challenged(self, attacker: Attacker, caught: float = CAUGHT) -> float:
        """Return the share of honest sign-ins that are challenged when this share of the attacks is."""
        attacks = sorted(self.attacks[attacker])
        threshold = attacks[int((1 - caught) * len(attacks))]
        return sum(score >= threshold for score in self.honest) / len(self.honest)

    def curve(self, attacker: Attacker) -> list[tuple[float, float]]:
        """Return pairs of the share of honest sign-ins challenged and the share of attacks caught (ROC)."""
        honest, attacks = sorted(self.honest), sorted(self.attacks[attacker])
        thresholds = sorted({*honest, *attacks}, reverse=True)
        return [(0.0, 0.0), *((_share_from(each, honest), _share_from(each, attacks)) for each in thresholds)]

    def area(self, attacker: Attacker) -> float:
        """Return the area under that curve: 1 for a score that never errs, one half for chance."""
        points = [*self.curve(attacker), (1.0, 1.0)]
        return sum((right - left) * (low + high) / 2 for (left, low), (right, high) in pairwise(points))


Comparison = dict[tuple[int, str], Scores]
"""Scores by the length of the history and the method."""


def compare(
    *,
    seed: int,
    people: int,
    days: int,
    histories: Sequence[int] = HISTORIES,
    progress: Callable[[float], None] | None = None,
) -> Comparison:
    """Score the sign-ins of a population by both methods. ``progress`` is told the day of the stream."""
    population = Population(seed=seed, people=people)
    rng = Random(f"attackers {seed}")  # noqa: S311 - a simulation, no secret
    methods = ScoringMethods()
    found: Comparison = {(history, name): Scores() for history in histories for name in (OURS, FREEMAN)}
    first = None
    for planned in population.sign_ins(days=days):
        sign_in = planned.sign_in
        first = sign_in.at if first is None else first
        if not sign_in.succeeded:
            continue
        history = methods.history_of(sign_in.account)
        if history in histories:
            for name, score in methods.scores(sign_in.account, sign_in.client, sign_in.at):
                found[history, name].honest.append(score)
            for attacker in Attacker:
                for _ in range(_ATTACKS_EACH):
                    at = sign_in.at + rng.uniform(-_HALF_A_DAY, _HALF_A_DAY)
                    client = attack(attacker, planned.person, population.world, at=at, rng=rng)
                    for name, score in methods.scores(sign_in.account, client, at):
                        found[history, name].attacks[attacker].append(score)
            if progress:
                progress((sign_in.at - first) / 86400)
        methods.add(sign_in.account, sign_in.client, sign_in.at)
    return found


class ScoringMethods:
    """Both scores, with the sign-ins that they have counted."""

    def __init__(self) -> None:
        self._freeman = FreemanScore()
        self._commonness = CountedClients()
        self._histories: dict[str, deque[PastSignIn]] = defaultdict(lambda: deque(maxlen=_KEPT))

    def history_of(self, account: str) -> int:
        return self._freeman.history_of(account)

    def scores(self, account: str, client: ClientFacts, at: float) -> Iterator[tuple[str, float]]:
        evidence = risk.evidence_of(client=client, at=at, history=self._histories[account], commonness=self._commonness)
        yield OURS, risk.log_odds(evidence)
        yield FREEMAN, self._freeman.score(account, client)

    def add(self, account: str, client: ClientFacts, at: float) -> None:
        self._freeman.add(account, client)
        self._commonness.add(client)
        self._histories[account].append(PastSignIn(at, client))


def _share_from(threshold: float, scores: Sequence[float]) -> float:
    return sum(score >= threshold for score in scores) / len(scores)
