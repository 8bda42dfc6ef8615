"""What `make bench-check` makes of figures. It starts no server here."""

import importlib.util
import json
import sys

import pytest

from tests.architecture.source import ROOT

FOLDER = ROOT / "benchmarks"
ME = {"kind": "cpu", "operation": "me", "peer": "dj-rest-auth", "ratio": 2.0}
MEMORY = {"kind": "memory", "operation": "", "peer": "dj-rest-auth", "ratio": 0.6}
SHARE = {"kind": "rate check", "operation": "", "peer": "bare EVALSHA, our connections", "ratio": 0.8}


@pytest.fixture(scope="module")
def ratios():
    specification = importlib.util.spec_from_file_location("benchmarks_ratios", FOLDER / "ratios.py")
    module = importlib.util.module_from_spec(specification)
    sys.modules[specification.name] = module  # dataclasses look their module up
    specification.loader.exec_module(module)
    yield module
    del sys.modules[specification.name]


def row(*costs, errors=0, requests=100):
    return {
        "requests": requests,
        "errors": errors,
        "first_error": "HTTP 500" if errors else None,
        "server_cpu_s_per_1000_rounds": list(costs),
    }


def load(*, theirs, ours):
    return {
        "targets": {
            "dj-rest-auth": {"me": {"8": theirs}, "pss_mib_after": 150.0},
            "cedrina": {"me": {"8": ours}, "pss_mib_after": 250.0},
        }
    }


class TestMeasured:
    def test_takes_the_median_of_rounds_that_were_beside_each_other(self, ratios):
        results = load(theirs=row(2.0, 8.0, 2.2), ours=row(1.0, 4.0, 1.0))
        assert ratios.measured(ratios.Pinned(**ME), load=results, limiters={}) == 2.0

    def test_compares_memory(self, ratios):
        results = load(theirs=row(2.0), ours=row(1.0))
        assert ratios.measured(ratios.Pinned(**MEMORY), load=results, limiters={}) == 0.6

    def test_takes_our_slowest_algorithm(self, ratios):
        rates = {"cedrina gcra": 700, "cedrina fixed_window": 600, "bare EVALSHA, our connections": 1000, "limits": 200}
        limiters = {name: {"4": {"checks_per_s": rate}} for name, rate in rates.items()}
        assert ratios.measured(ratios.Pinned(**SHARE), load={}, limiters=limiters) == 0.6

    @pytest.mark.parametrize(
        ("theirs", "ours", "said"),
        [
            (row(2.0), row(1.0, errors=3), "me of cedrina had 3 errors: HTTP 500"),
            (row(2.0, errors=1), row(1.0), "me of dj-rest-auth had 1 errors"),
            (row(requests=0), row(1.0), "me of dj-rest-auth was not measured"),
        ],
    )
    def test_believes_no_figure_of_wrong_answers(self, ratios, theirs, ours, said):
        with pytest.raises(ValueError, match=said):
            ratios.measured(ratios.Pinned(**ME), load=load(theirs=theirs, ours=ours), limiters={})

    def test_misses_a_peer(self, ratios):
        with pytest.raises(ValueError, match="dj-rest-auth or cedrina was not measured"):
            ratios.measured(ratios.Pinned(**ME), load={"targets": {"cedrina": {}}}, limiters={})


class TestFailed:
    @pytest.mark.parametrize(
        ("first", "again", "fails"),
        [
            ({"cpu me": 2.0}, {}, False),
            ({"cpu me": 1.81}, {}, False),
            ({"cpu me": 1.79}, {"cpu me": 1.79}, True),
            ({"cpu me": 1.79}, {"cpu me": 1.9}, False),
            ({"cpu me": 1.79}, {}, True),
            ({"cpu me": 9.0}, {}, False),
        ],
    )
    def test_is_what_was_worse_by_a_tenth_twice(self, ratios, first, again, fails):
        pinned = ratios.Pinned(**ME)
        assert ratios.failed([pinned], first, again) == ([pinned] if fails else [])


class TestTable:
    def test_says_of_each_ratio_how_it_is(self, ratios):
        pinned = [ratios.Pinned(**each) for each in (ME, MEMORY, SHARE)]
        lines = ratios.table(pinned, {"cpu me": 1.5, "memory": 0.9, "rate check": 0.8}, {"cpu me": 1.6}).splitlines()
        assert [line.rsplit("  ", 1)[1] for line in lines[1:]] == ["worse", "better: pin it", "ok"]


class TestPinnedRatios:
    def test_are_of_peers_and_operations_that_are_there(self, ratios):
        pinned = [ratios.Pinned(**each) for each in json.loads((FOLDER / "pinned_ratios.json").read_text())]
        targets = {path.parent.name: json.loads(path.read_text()) for path in FOLDER.glob("peers/*/target.json")}
        assert len({each.name for each in pinned}) == len(pinned)
        for each in pinned:
            assert each.kind in {"cpu", "memory", "rate check"}
            assert each.ratio > 0
            if each.kind != "rate check":
                target = targets[each.peer.replace("-", "_")]
                assert target["name"] == each.peer
                assert not each.operation or each.operation in target["endpoints"]
