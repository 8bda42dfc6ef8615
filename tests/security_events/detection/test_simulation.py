"""Our score beside Freeman's on seeds that nothing was chosen by."""

import json
from io import StringIO
from xml.etree import ElementTree as ET

import pytest
from django.core.management import call_command

from security_events.detection.simulation.attackers import Attacker
from security_events.detection.simulation.evaluation import FREEMAN, HISTORIES, OURS, compare
from security_events.detection.simulation.people import Population
from security_events.management import seeds_report
from security_events.management.commands.detect_simulate import Command

SIZE = {"people": 150, "days": 160}


@pytest.fixture(scope="module")
def compared():
    return compare(seed=201, **SIZE)


class TestTheStream:
    def test_is_the_same_for_one_seed_and_in_the_order_of_time(self):
        first, again, other = (
            [planned.sign_in for planned in Population(seed=seed, people=20).sign_ins(days=30)] for seed in (7, 7, 8)
        )
        assert first == again
        assert first != other
        assert first == sorted(first, key=lambda sign_in: sign_in.at)

    def test_has_the_habits_that_it_says(self):
        people = Population(seed=9, people=400)
        stream = list(people.sign_ins(days=60))
        failed = sum(not planned.sign_in.succeeded for planned in stream) / len(stream)
        shared = {planned.sign_in.client.ip_address for planned in stream if planned.person.office}
        offices = [person.office.ip_address for person in people.people if person.office]

        assert 0.02 < failed < 0.12
        assert any(offices.count(address) > 5 and address in shared for address in offices)
        assert len({planned.sign_in.client.country for planned in stream}) > 5


class TestTheScores:
    @pytest.mark.parametrize("history", HISTORIES)
    def test_ours_challenges_fewer_honest_people_than_freeman_at_98_per_cent_of_targeted_attacks(
        self, compared, history
    ):
        ours, freeman = compared[history, OURS], compared[history, FREEMAN]

        assert len(ours.honest) == len(freeman.honest) >= 60
        for attacker in (Attacker.TARGETED, Attacker.VERY_TARGETED, Attacker.VPN):
            assert ours.challenged(attacker) < freeman.challenged(attacker)
        assert ours.area(Attacker.TARGETED) > freeman.area(Attacker.TARGETED)

    def test_a_curve_goes_from_nothing_to_everything(self, compared):
        curve = compared[12, OURS].curve(Attacker.TARGETED)

        assert curve[0] == (0.0, 0.0)
        assert curve[-1] == (1.0, 1.0)
        assert curve == sorted(curve)


class TestTheCommand:
    def test_prints_a_table_and_draws_the_curves(self, tmp_path):
        picture, out = tmp_path / "curves.svg", StringIO()

        call_command("detect_simulate", people=40, days=200, attacks=2, plot=str(picture), stdout=out)

        assert "Freeman" in out.getvalue()
        root = ET.parse(picture).getroot()  # noqa: S314 - our own file
        names = [each.tag.rpartition("}")[2] for each in root.iter()]
        assert names.count("polyline") == 4
        assert "98%" in root.find("{http://www.w3.org/2000/svg}desc").text

    def test_reports_as_json(self):
        out = StringIO()
        call_command("detect_simulate", "--json", people=40, days=200, attacks=2, stdout=out)
        rows = json.loads(out.getvalue())["scores"]

        assert {(row["history"], row["method"]) for row in rows} == {(n, m) for n in HISTORIES for m in (OURS, FREEMAN)}
        assert all(0 <= share <= 1 for row in rows for share in row["challenged"].values())

    def test_measures_on_the_seeds_of_a_sentence(self):
        # printf 'Nobody has seen these. 1' | sha256sum | cut -c 1-8
        seeds = [0x9923D9F5, 0x6CFAA4F2]
        chosen = {"sentence": "Nobody has seen these.", "seeds": 2, "people": 20, "days": 200, "attacks": 1}
        out, table = StringIO(), StringIO()
        call_command("detect_simulate", "--json", **chosen, stdout=out)
        result = json.loads(out.getvalue())
        row = result["rules_of_seeds"]["brute_force"]

        assert result["seeds"] == seeds
        assert row["attacks"] == 2
        assert 0 <= row["least_precision"] <= row["mean_precision"] <= 1
        assert {each["method"] for each in result["challenged_of_seeds"]} == {OURS, FREEMAN}

        seeds_report.show(Command(stdout=table), result)
        assert str(seeds[0]) in table.getvalue()
        assert "brute_force" in table.getvalue()

    @pytest.mark.parametrize(
        "size",
        [
            {"people": 3},
            {"days": 0},
            {"attacks": 0},
            {"people": 10, "days": 20},
            {"plot": "/nowhere/x"},
            {"sentence": "x", "seeds": 1},
        ],
    )
    def test_refuses_what_it_can_not_do(self, size):
        err = StringIO()
        with pytest.raises(SystemExit) as caught:
            call_command("detect_simulate", stderr=err, **{"people": 40, "days": 200, "attacks": 2, **size})
        assert caught.value.code == 2
        assert err.getvalue()
