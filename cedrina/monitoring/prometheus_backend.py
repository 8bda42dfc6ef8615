"""Keep the figures of all measures by prometheus-client, in memory or in files that all processes can read.

prometheus-client takes 60 ms to import, so only servers and the background worker do.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, multiprocess, values

from cedrina.monitoring.figures_folder import FiguresFolder, remove, temporary
from cedrina.monitoring.process_numbers import TooManyProcesses
from cedrina_base import measures

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from prometheus_client.metrics_core import Metric

NAMESPACE = "cedrina"
FOLDER_OF_PROMETHEUS_CLIENT = "PROMETHEUS_MULTIPROC_DIR"
log = structlog.get_logger(__name__)


class PrometheusBackend:
    """Makes the series of measures, and collects them."""

    def __init__(self, folder: FiguresFolder | None) -> None:
        """Keep figures in a folder, or without one in the memory of this process."""
        self._folder = folder
        self._registry = CollectorRegistry()
        if folder is not None:
            os.environ[FOLDER_OF_PROMETHEUS_CLIENT] = str(folder.path)
            # Documented for servers that number their processes.
            made = values.MultiProcessValue(process_identifier=folder.own_number)  # type: ignore[no-untyped-call]
            values.ValueClass = made
        else:
            values.ValueClass = values.MutexValue

    def series_of(self, measure: measures.Declaration) -> Callable[[measures.Labels], measures.Series]:
        """Return what makes the series of a measure for given values of its labels."""
        made: Any = self._metric(measure)  # the methods of a series are those of its kind
        return lambda labels: made.labels(*labels) if labels else made

    def collect(self) -> Iterable[Metric]:
        """Return the figures of all processes.

        Raises: OSError.
        """
        if self._folder is None:
            return list(self._registry.collect())
        return _merged(self._folder)

    def _metric(self, measure: measures.Declaration) -> Counter | Gauge | Histogram:
        name, description, labels = measure.name, measure.description, measure.labels
        if measure.kind == "counter":
            return Counter(name, description, labels, namespace=NAMESPACE, registry=self._registry)
        if measure.kind == "gauge":
            return Gauge(
                name,
                description,
                labels,
                namespace=NAMESPACE,
                registry=self._registry,
                multiprocess_mode="livesum",
            )
        return Histogram(
            name, description, labels, namespace=NAMESPACE, registry=self._registry, buckets=measure.buckets
        )


class _State:
    """The backend of this process, and the folder that a forked process has to find its number in."""

    backend: PrometheusBackend | None = None
    folder: FiguresFolder | None = None


def keep_in_files(path: Path | None, *, is_start: bool = True) -> Callable[[], None]:
    """Keep the figures of this process and of those that it forks in a folder; return what removes a folder of its own.

    ``path`` is that of METRICS_DIR. Without it, the folder is this server's alone. ``is_start`` is off in a program
    that goes on with the workers of another one. A folder that can't be used is no reason not to serve: each process
    then keeps its own figures, and a warning says why.
    """
    used = path or temporary()
    try:
        folder = FiguresFolder(used)
        if is_start:
            folder.begin()
        folder.own_number()
    except (OSError, TooManyProcesses) as error:
        _warn(error)
        _install(None)
    else:
        _install(folder)
    return lambda: remove(used) if path is None else None


def number_forked_process() -> None:
    """Take a number for a process that was just forked."""
    if _State.folder is not None:
        try:
            _State.folder.own_number()
        except (OSError, TooManyProcesses) as error:
            _warn(error)
            _install(None)


def read_folder(path: Path) -> list[Metric]:
    """Return the figures that other processes keep in a folder.

    Raises: OSError.
    """
    return _merged(FiguresFolder(path))


def keep_in_memory() -> None:
    """Keep the figures of this process in its memory, from 0 on."""
    _install(None)


def keep_nothing() -> None:
    """Keep no figures any more."""
    _State.backend = _State.folder = None
    measures.keep_by(None)


def backend() -> PrometheusBackend:
    """Return the backend of this process. A process that is no server gets one in memory."""
    return _install(None) if _State.backend is None else _State.backend


def _install(folder: FiguresFolder | None) -> PrometheusBackend:
    made = _State.backend = PrometheusBackend(folder)
    _State.folder = folder
    measures.keep_by(made.series_of)
    return made


def _merged(folder: FiguresFolder) -> list[Metric]:
    merge: Callable[..., Iterable[Metric]] = multiprocess.MultiProcessCollector.merge
    return sorted(merge(folder.readable(), accumulate=True), key=lambda metric: metric.name)


def _warn(error: Exception) -> None:
    log.warning("figures_not_shared", mend="Correct METRICS_DIR.", reason=str(error) or type(error).__name__)
