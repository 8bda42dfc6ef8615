"""The page about capacity is what its figures make of it."""

import importlib.util
import json
import sys

import pytest

from tests.architecture.source import ROOT

FOLDER = ROOT / "benchmarks"


@pytest.fixture(scope="module")
def capacity():
    specification = importlib.util.spec_from_file_location("benchmarks_capacity", FOLDER / "capacity_page.py")
    module = importlib.util.module_from_spec(specification)
    sys.modules[specification.name] = module  # dataclasses look their module up
    specification.loader.exec_module(module)
    yield module
    del sys.modules[specification.name]


@pytest.fixture
def figures():
    return json.loads((FOLDER / "capacity.json").read_text())


def test_the_committed_page_is_made_of_the_committed_figures(capacity, figures):
    assert capacity.PAGE.read_text() == capacity.page(figures)
    assert figures["errors"] == 0


def test_ten_times_as_many_people_need_ten_times_as_much(capacity, figures):
    few, many = capacity.need(10_000, figures), capacity.need(100_000, figures)

    assert many.hashing == pytest.approx(10 * few.hashing)
    assert many.workers == pytest.approx(10 * few.workers)
    assert many.yearly == pytest.approx(10 * few.yearly)


def test_counts_what_people_do_by_hand(capacity, figures):
    figures |= {"hash_ms": 240.0, "calls": {name: {"worker_ms": 1.0, "database_ms": 0.5} for name in capacity.NAMES}}
    found = capacity.need(864_000, figures)

    # A quarter of them is active, and the peak has four times the average: ten a second of what each does once a day.
    assert found.rates == pytest.approx({"login": 5.0, "refresh": 120.0, "me": 1200.0})
    assert found.hashing == pytest.approx(5 * 0.24 / 0.6)
    assert found.workers == pytest.approx(1325 * 0.001 / 0.6)
