"""The risk of a sign-in: what raises it, what lowers it, and that its record is enough to compute it again."""

import json
from dataclasses import asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from security_events.detection.commonness import CountedClients
from security_events.detection.risk import (
    Evidence,
    HourEvidence,
    LevelEvidence,
    assess,
    evidence_of,
    log_odds,
)
from security_events.detection.sign_ins import ClientFacts, PastSignIn

DAY = 86400
NOON = 1_700_000_000 // DAY * DAY + 12 * 3600
HOME = ClientFacts(
    ip_address="11.1.2.3",
    network="11.1.2",
    asn=1,
    country="NO",
    city="Oslo",
    user_agent="Firefox/120.0.1 (Linux 6)",
    browser="Firefox 120",
    system="Linux 6",
    device_type="desktop",
)
ELSEWHERE = replace(HOME, ip_address="11.9.2.3", network="11.9.2", asn=9, country="BR", city="Recife")
OTHER_PROGRAM = replace(HOME, user_agent="Chrome/99 (Windows 10)", browser="Chrome 99", system="Windows 10")


@pytest.fixture
def everybody():
    counted = CountedClients()
    for number in range(200):
        counted.add(replace(HOME, ip_address=f"11.1.{number}.1", network=f"11.1.{number}"))
        counted.add(replace(ELSEWHERE, ip_address=f"11.9.{number}.1", network=f"11.9.{number}"))
        counted.add(replace(OTHER_PROGRAM, asn=2, network=f"11.2.{number}", ip_address=f"11.2.{number}.7"))
    return counted


def history(number=12, client=HOME):
    return [PastSignIn(NOON - (number - each) * DAY, client) for each in range(number)]


def risk(everybody, client=HOME, *, at=NOON, past=None):
    past = history() if past is None else past
    return assess(evidence_of(client=client, at=at, history=past, commonness=everybody))


class TestTheRisk:
    def test_is_low_where_a_person_does_as_always_and_high_where_nothing_is_known(self, everybody):
        assert risk(everybody).score < 5
        unknown = replace(OTHER_PROGRAM, ip_address="11.9.9.9", network="11.9.9", asn=9, country="BR", city="Recife")
        assert risk(everybody, unknown, at=NOON + DAY / 2).score > 80

    def test_grows_with_each_thing_that_is_new(self, everybody):
        usual = risk(everybody)
        assert risk(everybody, ELSEWHERE).parts["place"] > usual.parts["place"]
        assert risk(everybody, OTHER_PROGRAM).parts["program"] > usual.parts["program"]
        assert risk(everybody, at=NOON + DAY / 2).parts["hour"] > usual.parts["hour"]
        assert risk(everybody, ELSEWHERE).score > usual.score

    def test_forgives_an_update_of_the_browser(self, everybody):
        updated = replace(HOME, user_agent="Firefox/121.0.1 (Linux 6)", browser="Firefox 121")

        assert risk(everybody, updated).parts["program"] < risk(everybody, OTHER_PROGRAM).parts["program"] - 5
        assert risk(everybody, updated).score < 20

    def test_says_nothing_of_a_person_without_a_history(self, everybody):
        assert 30 <= risk(everybody, past=[]).score <= 70

    def test_forgets(self, everybody):
        moved = [*history(20), *(PastSignIn(NOON + each * DAY, ELSEWHERE) for each in range(400, 420))]
        later = NOON + 421 * DAY

        assert risk(everybody, ELSEWHERE, past=moved, at=later).score < risk(everybody, past=moved, at=later).score

    def test_works_without_any_database_of_places(self):
        blind = CountedClients()
        here, there = (
            ClientFacts(
                ip_address=f"11.{number}.2.3", network=f"11.{number}.2", user_agent="Firefox/120", browser="F 1"
            )
            for number in (1, 2)
        )
        for _ in range(50):
            blind.add(here)
            blind.add(there)

        assert risk(blind, there, past=history(client=here)).score > risk(blind, here, past=history(client=here)).score


COUNTS = st.integers(0, 10**9)
LEVELS = st.builds(
    LevelEvidence,
    feature=st.sampled_from(["place", "program"]),
    level=st.sampled_from(["country", "network"]),
    own=COUNTS,
    own_above=COUNTS,
    common=COUNTS,
    common_above=COUNTS,
    distinct=COUNTS,
)


@given(evidence=st.builds(Evidence, st.lists(LEVELS, max_size=9).map(tuple), st.builds(HourEvidence, COUNTS, COUNTS)))
def test_the_record_is_enough_to_compute_it_again(evidence):
    record = json.loads(json.dumps(asdict(evidence)))
    again = Evidence(tuple(LevelEvidence(**each) for each in record["levels"]), HourEvidence(**record["hour"]))

    assert again == evidence
    assert assess(again) == assess(evidence)
    assert 0 <= assess(evidence).score <= 100
    assert (assess(evidence).score > 50) <= (log_odds(evidence) > 0)
