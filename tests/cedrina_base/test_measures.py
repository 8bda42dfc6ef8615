"""Measures that apps declare: what a backend sees, what is bounded, and what nobody keeps."""

import pytest

from cedrina_base import measures
from cedrina_base.measures import Counter, Gauge, Histogram


class Kept:
    """A backend that remembers each change."""

    def __init__(self):
        self.values = {}

    def series_of(self, declaration):
        def made(labels):
            series = Kept.Series()
            self.values[declaration.name, labels] = series
            return series

        return made

    class Series:
        def __init__(self):
            self.value, self.observed = 0, []

        def inc(self, amount=1):
            self.value += amount

        def set(self, value):
            self.value = value

        def observe(self, amount):
            self.observed.append(amount)


@pytest.fixture
def kept():
    return Kept()


@pytest.fixture(autouse=True)
def _own_measures(monkeypatch):
    monkeypatch.setattr(measures, "_measures", [])
    monkeypatch.setattr(measures, "_backend", None)


class TestAMeasure:
    def test_keeps_nothing_without_a_backend(self, kept):
        counter = Counter("doors_total", "Doors.", ["kind"])
        counter.count("front")
        measures.keep_by(kept.series_of)
        assert kept.values == {}
        counter.count("front")
        assert kept.values["doors_total", ("front",)].value == 1

    def test_is_kept_when_it_is_declared_after_the_backend(self, kept):
        measures.keep_by(kept.series_of)
        Gauge("rooms", "Rooms.").add()
        assert kept.values["rooms", ()].value == 1

    def test_begins_with_its_known_labels(self, kept):
        measures.keep_by(kept.series_of)
        Counter("doors_total", "Doors.", ["kind"], known=[("front",), ("back",)])
        assert {labels for _name, labels in kept.values} == {("front",), ("back",)}

    def test_counts_further_labels_as_one_when_it_has_too_many(self, kept):
        measures.keep_by(kept.series_of)
        counter = Counter("doors_total", "Doors.", ["kind", "colour"], most_sets=3)
        for number in range(50):
            counter.count(f"kind {number}", "red")
        assert len(kept.values) == 4
        assert kept.values["doors_total", ("other", "other")].value == 47
        assert sum(series.value for series in kept.values.values()) == 50

    def test_forgets_its_series_when_the_backend_goes(self, kept):
        measures.keep_by(kept.series_of)
        gauge, histogram = Gauge("rooms", "Rooms."), Histogram("size", "Size.", buckets=[1, 2])
        gauge.set(7)
        gauge.add(number=-2)
        histogram.observe(1.5)
        measures.keep_by(None)
        gauge.add()
        histogram.observe(3)
        assert kept.values["rooms", ()].value == 5
        assert kept.values["size", ()].observed == [1.5]
