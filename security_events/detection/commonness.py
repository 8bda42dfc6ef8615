"""How common the clients are that everybody signs in with."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple, Protocol

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


class ClientKey(NamedTuple):
    """What a key of ``ClientCount`` stands for, and the key of the level above, ``None`` for the topmost."""

    feature: str
    path: Path
    parent: bytes | None


class StoredCounts:
    """The same, of the rows of ``ClientCount`` that a statement has read for one client, whose keys are ``digests``."""

    def __init__(self, digests: Mapping[bytes, ClientKey], rows: Iterable[tuple[bytes, int, int]]) -> None:
        self._rows = {
            (digests[path].feature, digests[path].path): (sign_ins, distinct)
            for path, sign_ins, distinct in ((bytes(row[0]), row[1], row[2]) for row in rows)
        }

    def count(self, feature: str, path: Path) -> int:
        return self._rows.get((feature, path), (0, 0))[0]

    def distinct(self, feature: str, path: Path) -> int:
        return self._rows.get((feature, path), (0, 0))[1]


def digests_of(client: ClientFacts) -> dict[bytes, ClientKey]:
    """Return the keys of a client's rows of ``ClientCount``."""
    found: dict[bytes, ClientKey] = {}
    for feature in FEATURES:
        above = path_digest(feature, ())
        found[above] = ClientKey(feature, (), None)
        for _level, path in paths(feature, client):
            key = path_digest(feature, path)
            found[key], above = ClientKey(feature, path, above), key
    return found
