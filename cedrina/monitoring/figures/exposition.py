"""Show all figures: as text for Prometheus, and as values for JSON."""

from collections.abc import Iterable
from typing import NamedTuple

from django.utils import timezone
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from cedrina.monitoring.figures import database_figures, health_figures, policy_figures
from cedrina.monitoring.figures.stored_figures import FigureReader
from cedrina.monitoring.prometheus_backend import NAMESPACE, backend
from cedrina.monitoring.recent import Recent

KEPT_SECONDS = 1.0
CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
REGISTERED = (database_figures, health_figures, policy_figures)  # importing them registers their figures


class Sample(NamedTuple):
    """One value. ``name`` has the suffix of its kind, such as `_bucket`."""

    name: str
    labels: dict[str, str]
    value: float


class FigureFamily(NamedTuple):
    """A figure and its values."""

    name: str
    kind: str
    description: str
    samples: list[Sample]


class _Collected:
    """What prometheus-client renders: an object with ``collect``."""

    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def as_text() -> bytes:
    """Return all figures in Prometheus' text format, version 0.0.4. They are at most a second old."""
    return _recent.get()[0]


def families() -> list[FigureFamily]:
    """Return all figures as values. They are at most a second old."""
    return _recent.get()[1]


def forget() -> None:
    """Let the next call read all figures anew."""
    _recent.forget()
    _reader.forget()


def _collect() -> tuple[bytes, list[FigureFamily]]:
    collected = [*backend().collect(), *_stored()]
    text = generate_latest(_Collected(collected))
    return text, [_family(metric) for metric in collected]


def _stored() -> Iterable[Metric]:
    for figure, values in _reader.read():
        family = GaugeMetricFamily(f"{NAMESPACE}_{figure.name}", figure.description, labels=figure.labels)
        for labels, value in values.items():
            family.add_metric(labels, value)
        yield family


def _family(metric: Metric) -> FigureFamily:
    samples = [
        Sample(each.name, dict(each.labels), each.value)
        for each in metric.samples
        if not each.name.endswith("_created")
    ]
    name = f"{metric.name}_total" if metric.type == "counter" else metric.name
    return FigureFamily(name, metric.type, metric.documentation, samples)


_reader = FigureReader(clock=timezone.now)
_recent = Recent(_collect, seconds=KEPT_SECONDS)
