"""The risk score of Freeman et al. (NDSS 2016, equation 7), the scientific peer that our own score is compared with.

The authors published no code. This is the form, with the smoothing and the weights, of the implementation that Wiefling
et al. (2022) published for their data set (das-group/rba-algorithm), for its two features: the address and the user
agent. Only sign-ins that succeeded are counted.
"""

from collections import Counter, defaultdict

from security_events.detection.sign_ins import ClientFacts

# A feature and the levels above it, each with its weight.
FEATURES: tuple[tuple[tuple[str, float], ...], ...] = (
    (("ip_address", 0.6), ("asn", 0.3), ("country", 0.1)),
    (
        ("user_agent", 0.5386653840551359),
        ("browser", 0.2680451498625666),
        ("system", 0.18818295100109536),
        ("device_type", 0.0051065150812021525),
    ),
)
_NEVER_SEEN = 4  # what a person never used counts as that many times rarer than among everybody


class FreemanScore:
    """Counts successful sign-ins and scores the next one by them. Larger is riskier; there is no upper end."""

    def __init__(self) -> None:
        self._everybody = _Counts()
        self._people: dict[str, _Counts] = defaultdict(_Counts)

    def history_of(self, account: str) -> int:
        """Return how many sign-ins of an account are counted."""
        return self._people[account].total if account in self._people else 0

    def add(self, account: str, client: ClientFacts) -> None:
        """Count a successful sign-in."""
        self._everybody.add(client)
        self._people[account].add(client)

    def score(self, account: str, client: ClientFacts) -> float:
        """Return the risk of a sign-in by an account that has signed in before.

        It is the product of ``p(x) / p(x | person)`` over the features, times ``p(person | attack) / p(person)``, where
        all people are attacked equally often.

        Raises: KeyError, if the account never signed in.
        """
        if account not in self._people:
            raise KeyError(account)
        person, everybody = self._people[account], self._everybody
        risk = 1.0
        for feature in FEATURES:
            common = everybody.smoothed_likelihood(feature, client)
            own = person.likelihood(feature, client) or common / _NEVER_SEEN
            risk *= common / own
        return risk * (1 / len(self._people)) / (person.total / everybody.total)


class _Counts:
    """How often each value of each level occurred, and what occurred above each value of the lowest level."""

    def __init__(self) -> None:
        self.total = 0
        self._values: dict[str, Counter[object]] = defaultdict(Counter)
        self._above: dict[tuple[str, object], set[tuple[str, object]]] = defaultdict(set)

    def add(self, client: ClientFacts) -> None:
        self.total += 1
        for (lowest, _weight), *above in FEATURES:
            value = getattr(client, lowest)
            self._values[lowest][value] += 1
            for level, _weight in above:
                self._values[level][getattr(client, level)] += 1
                self._above[lowest, value].add((level, getattr(client, level)))

    def likelihood(self, feature: tuple[tuple[str, float], ...], client: ClientFacts) -> float:
        """Return the weighted share of sign-ins with the client's value on each level."""
        return sum(weight * self._share(level, client) for level, weight in feature)

    def smoothed_likelihood(self, feature: tuple[tuple[str, float], ...], client: ClientFacts) -> float:
        """Return the same, with a share for values that never occurred on the lowest level."""
        (lowest, weight), *above = feature
        value = getattr(client, lowest)
        count = self._values[lowest][value]
        unseen = 1 + sum(len(self._values[level]) for level, _weight in above)
        unseen_with_it = 1 + len(self._above.get((lowest, value), ()))
        share = _smoothed(count, self.total, unseen) * _smoothed(count, count, unseen_with_it)
        return weight * share + sum(weight * self._share(level, client) for level, weight in above)

    def _share(self, level: str, client: ClientFacts) -> float:
        return self._values[level][getattr(client, level)] / self.total


def _smoothed(count: int, total: int, unseen: int) -> float:
    if count == 0:
        return 1 / (total + unseen)
    return count / total * (1 - unseen / (total + unseen))
