"""How common the clients are that everybody signs in with."""

from collections import Counter
from typing import Protocol

from security_events.detection.client_levels import FEATURES, Path, paths
from security_events.detection.sign_ins import ClientFacts


class Commonness(Protocol):
    """Counts of successful sign-ins of all accounts."""

    def count(self, feature: str, path: Path) -> int:
        """Return how many sign-ins had these values; all of them for an empty path."""

    def distinct(self, feature: str, path: Path) -> int:
        """Return how many different values follow these."""


class CountedClients:
    """The same, counted in memory: for simulations and backtests."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, Path]] = Counter()
        self._distinct: Counter[tuple[str, Path]] = Counter()

    def add(self, client: ClientFacts) -> None:
        for feature in FEATURES:
            self._counts[feature, ()] += 1
            for _level, path in paths(feature, client):
                if not self._counts[feature, path]:
                    self._distinct[feature, path[:-1]] += 1
                self._counts[feature, path] += 1

    def count(self, feature: str, path: Path) -> int:
        return self._counts[feature, path]

    def distinct(self, feature: str, path: Path) -> int:
        return self._distinct[feature, path]
