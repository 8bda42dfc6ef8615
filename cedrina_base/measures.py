"""Counters, gauges and histograms that an app declares, whatever backend keeps them.

An app declares a measure once, in its module ``measures``, and changes it where something happens. A project installs a
backend by ``keep_by``; without one, a change costs a call and does nothing. Labels are from bounded sets: they are
names of the code, never a user, an address, a path or another text that a client chose.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Labels = tuple[str, ...]
OTHER = "other"
# Sets of labels that one measure keeps in a process. Each takes memory for ever; further ones are counted as `other`.
MOST_SETS = 200


class Series(Protocol):
    """The values of a measure for one set of labels."""

    def inc(self, amount: float = 1) -> None:
        """Add an amount, which is negative for gauges only."""

    def observe(self, amount: float) -> None:
        """Add one value to a histogram."""

    def set(self, value: float) -> None:
        """Set a gauge."""


class _NoSeries:
    """Keeps nothing, while no backend is installed."""

    def inc(self, amount: float = 1) -> None:
        pass

    def observe(self, amount: float) -> None:
        pass

    def set(self, value: float) -> None:
        pass


class Declaration(NamedTuple):
    """What a backend needs to know of a measure. ``kind`` is `counter`, `gauge` or `histogram`, as Prometheus has it.

    The values of a gauge are added up over all processes that live.
    """

    kind: str
    name: str
    description: str
    labels: Labels
    buckets: tuple[float, ...]


_NOTHING: Series = _NoSeries()


class _Measure:
    kind = ""

    def __init__(
        self,
        name: str,
        description: str,
        labels: Sequence[str] = (),
        *,
        known: Sequence[Labels] = (),
        buckets: Sequence[float] = (),
        most_sets: int = MOST_SETS,
    ) -> None:
        self._declaration = Declaration(self.kind, name, description, tuple(labels), tuple(buckets))
        self._known = tuple(known) if labels else ((),)
        self._most_sets = most_sets
        self._lock = threading.Lock()
        self._series: dict[Labels, Series] = {}
        self._make: Callable[[Labels], Series] | None = None
        _measures.append(self)
        if _backend is not None:
            self.keep_by(_backend)

    def keep_by(self, backend: Callable[[Declaration], Callable[[Labels], Series]] | None) -> None:
        """Keep the values by a backend from now on. Series of known labels begin at 0, so that a rate sees the first.

        ``None`` takes the backend away.
        """
        with self._lock:
            self._series.clear()
            self._make = None if backend is None else backend(self._declaration)
            if self._make is not None:
                self._series.update({labels: self._make(labels) for labels in self._known})

    def _of(self, labels: Labels) -> Series:
        found = self._series.get(labels)
        return self._new(labels) if found is None else found

    def _new(self, labels: Labels) -> Series:
        with self._lock:
            if self._make is None:
                return _NOTHING
            if labels not in self._series and len(self._series) >= self._most_sets:
                labels = (OTHER,) * len(labels)
            if labels not in self._series:
                self._series[labels] = self._make(labels)
            return self._series[labels]


class Counter(_Measure):
    """How often something has happened. It only grows."""

    kind = "counter"

    def count(self, *labels: str, times: int = 1) -> None:
        """Count that something happened."""
        self._of(labels).inc(times)


class Gauge(_Measure):
    """How many of something there are in this process now."""

    kind = "gauge"

    def add(self, *labels: str, number: int = 1) -> None:
        """Count ``number`` more; a negative one less."""
        self._of(labels).inc(number)

    def set(self, value: float, *labels: str) -> None:
        """Set the number of this process."""
        self._of(labels).set(value)


class Histogram(_Measure):
    """How values are distributed, by ``buckets`` in the unit of the values."""

    kind = "histogram"

    def observe(self, value: float, *labels: str) -> None:
        """Add one value."""
        self._of(labels).observe(value)


_measures: list[_Measure] = []
_backend: Callable[[Declaration], Callable[[Labels], Series]] | None = None


def keep_by(backend: Callable[[Declaration], Callable[[Labels], Series]] | None) -> None:
    """Let a backend keep the values of all measures, those declared later too. ``None`` takes it away."""
    global _backend  # noqa: PLW0603 - one for the process, installed at its start
    _backend = backend
    for measure in _measures:
        measure.keep_by(backend)
