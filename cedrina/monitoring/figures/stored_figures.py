"""Figures that are read when they are asked for: rows of the database, and the state of this installation.

Another app adds a figure by the decorator ``stored_figure`` on a function that returns its values by labels. A figure
that can't be read is left out: a scrape does not fail with the database.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import structlog
from django.db import DatabaseError, transaction

from cedrina.monitoring.recent import Recent
from cedrina_base.measures import Labels

Values = Mapping[Labels, float]
Reader = Callable[[datetime], Values]
# What grows slowly is read once in this time, however often the figures are asked for.
SLOW_SECONDS = 30.0
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class StoredFigure:
    """A gauge: its name without the prefix, its labels, and the function that reads it at a time.

    ``seconds`` is for how long a value is good.
    """

    name: str
    description: str
    labels: Labels
    read: Reader
    seconds: float


STORED_FIGURES: dict[str, StoredFigure] = {}


def stored_figure(
    name: str, description: str, labels: Labels = (), *, seconds: float = 0.0
) -> Callable[[Reader], Reader]:
    """Register the function that reads a figure. It must be bounded: no scan of a table that grows."""

    def register(read: Reader) -> Reader:
        STORED_FIGURES[name] = StoredFigure(name, description, labels, read, seconds)
        return read

    return register


class FigureReader:
    """Reads all stored figures, each as often as it is good for."""

    def __init__(self, *, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._kept: dict[str, Recent[Values]] = {}

    def read(self) -> list[tuple[StoredFigure, Values]]:
        """Return each figure with its values, those that could not be read without any."""
        return [(figure, self._of(figure).get()) for figure in STORED_FIGURES.values()]

    def forget(self) -> None:
        """Let the next call read all figures anew."""
        self._kept.clear()

    def _of(self, figure: StoredFigure) -> Recent[Values]:
        if figure.name not in self._kept:
            self._kept[figure.name] = Recent(lambda: self._read(figure), seconds=figure.seconds)
        return self._kept[figure.name]

    def _read(self, figure: StoredFigure) -> Values:
        try:
            with transaction.atomic():
                return figure.read(self._clock())
        except DatabaseError as error:
            log.warning("figure_not_read", figure=figure.name, reason=type(error).__name__)
        except Exception:
            log.exception("figure_not_read", figure=figure.name)  # the others are wanted all the same
        return {}
