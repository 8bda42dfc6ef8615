"""How common the clients are that everybody signs in with."""

from collections import Counter
from collections.abc import Iterable
from typing import Protocol

from security_events.detection.client_levels import FEATURES, Path, path_digest, paths
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


class StoredCounts:
    """The same, of the rows of ``ClientCount`` that a statement has read for one client."""

    def __init__(self, rows: Iterable[tuple[bytes, int, int]]) -> None:
        self._rows = {bytes(path): (sign_ins, distinct) for path, sign_ins, distinct in rows}

    def count(self, feature: str, path: Path) -> int:
        return self._row(feature, path)[0]

    def distinct(self, feature: str, path: Path) -> int:
        return self._row(feature, path)[1]

    def _row(self, feature: str, path: Path) -> tuple[int, int]:
        return self._rows.get(path_digest(feature, path), (0, 0))


def digests_of(client: ClientFacts) -> dict[bytes, bytes | None]:
    """Return the keys of a client's rows of ``ClientCount``, each with that of the level above."""
    found: dict[bytes, bytes | None] = {}
    for feature in FEATURES:
        above = path_digest(feature, ())
        found[above] = None
        for _level, path in paths(feature, client):
            key = path_digest(feature, path)
            found[key], above = above, key
    return found
