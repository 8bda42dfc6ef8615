"""The record of a risk: enough to compute it again, and short."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from security_events.detection.circumstances import Circumstances, familiarity, travel_of
from security_events.detection.client_records import client_from, client_of, sign_in_client
from security_events.detection.commonness import CountedClients
from security_events.detection.risk import assess, evidence_of, weights
from security_events.detection.risk_choices import THRESHOLDS, choice_of
from security_events.detection.risk_records import REASONS, evidence_from, reasons_of, record_of
from security_events.detection.sign_ins import ClientFacts, PastSignIn
from security_events.services.detection.risk_explanation import FEATURE_NAMES, explain
from security_events.types import RiskChoice
from tests.factories.sign_ins import CHROME, FIREFOX, HOME, form_of

MOMENT = datetime(2026, 1, 5, 10, tzinfo=UTC)
HOUR = 3600.0
NETWORKS = st.sampled_from(["", "192.0.2.0", "198.51.100.0", "203.0.113.0"])
CLIENTS = st.builds(
    ClientFacts,
    ip_address=NETWORKS,
    network=NETWORKS,
    asn=st.integers(0, 3),
    country=st.sampled_from(["", "NO", "BR"]),
    latitude=st.sampled_from([None, 60.0, -8.0]),
    longitude=st.sampled_from([None, 10.0, -35.0]),
    is_relay=st.booleans(),
    system=st.sampled_from(["", "Linux", "iOS"]),
    browser=st.sampled_from(["", "Firefox", "Safari"]),
    user_agent=st.text(max_size=3),
)
CIRCUMSTANCES = st.builds(Circumstances, st.booleans(), st.integers(0, 50), st.integers(0, 10), st.integers(0, 10))


@given(
    client=CLIENTS,
    at=st.floats(1.7e9, 1.8e9),
    history=st.lists(st.builds(PastSignIn, st.floats(1.69e9, 1.8e9), CLIENTS), max_size=12),
    others=st.lists(CLIENTS, max_size=12),
    circumstances=CIRCUMSTANCES,
)
def test_gives_the_stored_score_and_reasons_whatever_the_sign_in(client, at, history, others, circumstances):
    counted = CountedClients()
    for other in others:
        counted.add(other)
    evidence = evidence_of(client=client, at=at, history=history, commonness=counted, circumstances=circumstances)
    found = assess(evidence)
    stored = json.loads(json.dumps(record_of(evidence), sort_keys=True))  # the database keeps no order of members

    again = evidence_from(stored)

    assert again == evidence
    assert assess(again) == found
    assert 0 <= found.score <= 100
    assert set(found.reasons) <= set(REASONS)
    assert [each["factor"] for each in reasons_of(again)] == list(found.reasons)
    numbers = [number for values in stored["levels"].values() for number in values]
    assert all(type(number) is int for number in [*numbers, *stored["hour"], *stored["travel"]])
    form = {
        "risk_score": found.score,
        "data": {
            "risk": {
                "evidence": stored,
                "choice": "allow",
                "mode": "enforce",
                "thresholds": dict(THRESHOLDS),
                "rule_version": 0,
            }
        },
    }
    explained = explain(form)
    assert explained.recomputed == found.score
    assert {each.factor for each in explained.features} == set(weights(evidence)) == set(FEATURE_NAMES)


@pytest.mark.parametrize("record", [{}, {"levels": {}}, {"levels": 3, "hour": [], "travel": [0, 0]}, {"levels": None}])
def test_of_another_form_is_explained_by_nothing(record):
    risk = {"evidence": record, "choice": "allow", "mode": "enforce", "thresholds": {}, "rule_version": 0}
    assert explain({"risk_score": 1, "data": {"risk": risk}}) is None


class TestTheClient:
    def test_is_read_from_its_record(self):
        client = client_of(ip_address=HOME, user_agent=FIREFOX)

        assert client_from(sign_in_client(form_of("mina", at=MOMENT))) == client
        assert (client.network, client.browser, client.system, client.device_type) == (
            "203.0.113.0",
            "Firefox",
            "Linux",
            "desktop",
        )
        assert FIREFOX not in str(client)
        assert client_from({"ip_address": HOME, "of_a_later_version": 3}) == ClientFacts(HOME)

    @pytest.mark.parametrize(("address", "agent"), [(None, None), ("", ""), ("2001:db8::1", "Ex\udcffample/2.1")])
    def test_may_be_of_any_kind(self, address, agent):
        client = client_of(ip_address=address, user_agent=agent)
        assert client.ip_address == (address or "")
        assert client.network == ("2001:db8::" if address else "")
        assert client.user_agent.isascii()

    def test_of_a_risky_sign_in_is_suspect_unless_two_factors_were_shown(self):
        def record(**details):
            return sign_in_client(form_of("mina", at=MOMENT, score=80, **details))

        assert record(choice="step_up")["suspect"] is True
        assert "suspect" not in record(choice="step_up", amr=["pwd", "otp", "mfa"])
        assert "suspect" not in record(choice="notify")
        assert record(choice="notify")["risk"] == 80

    def test_is_that_of_successes_only(self):
        form = form_of("mina", at=MOMENT)
        assert sign_in_client({**form, "outcome": "failure"}) is None
        assert sign_in_client({**form, "type": "session.created"}) is None
        assert sign_in_client({**form, "target_id": None}) is None


class TestTheCircumstances:
    OSLO = ClientFacts("", latitude=59.9, longitude=10.7, radius_km=20)
    RECIFE = replace(OSLO, latitude=-8.0, longitude=-34.9)

    def travel(self, client, *, hours, history=(OSLO,)):
        past = [PastSignIn(number * HOUR / 100, each) for number, each in enumerate(history)]
        return travel_of(client=client, at=past[-1].at + hours * HOUR if past else 0.0, history=past)

    def test_measure_the_journey(self):
        found = self.travel(self.RECIFE, hours=2)
        assert 8000 < found.kilometres < 9000
        assert found.kilometres_per_hour == pytest.approx(found.kilometres / 2, abs=1)
        assert self.travel(self.RECIFE, hours=0).kilometres_per_hour > 100_000

    @pytest.mark.parametrize(
        ("client", "history"),
        [
            (RECIFE, ()),
            (RECIFE, (RECIFE, OSLO)),
            (replace(RECIFE, is_relay=True), (OSLO,)),
            (replace(RECIFE, radius_km=201), (OSLO,)),
            (replace(RECIFE, latitude=None), (OSLO,)),
            (RECIFE, (replace(OSLO, is_relay=True),)),
        ],
        ids=["no history", "known place", "relay", "inaccurate", "unknown place", "from a relay"],
    )
    def test_are_no_journey_where_nothing_is_sure(self, client, history):
        assert self.travel(client, hours=1, history=history).kilometres == 0

    def test_find_what_is_familiar(self):
        home = client_of(ip_address=HOME, user_agent=FIREFOX)
        past = [PastSignIn(0.0, replace(home, asn=7))]

        def count(**changes):
            return familiarity(client=replace(home, **changes), history=past)

        assert count(user_agent="x", browser="Chrome") == 1
        assert count(network="192.0.2.0", asn=7) == 1
        assert count(network="192.0.2.0", asn=7, browser="Chrome") == 0
        assert count(network="192.0.2.0", asn=0) == 0
        assert familiarity(client=ClientFacts(""), history=[PastSignIn(0.0, ClientFacts(""))]) == 0

    @pytest.mark.parametrize("belongs", [{"is_known_device": True}, {"familiar": 1}, {}])
    def test_of_an_attack_count_for_strangers_alone(self, belongs):
        client = client_of(ip_address=HOME, user_agent=CHROME)
        past = [PastSignIn(day * 24 * HOUR, client) for day in range(6)]

        def score(**more):
            circumstances = Circumstances(**belongs, **more)
            return assess(
                evidence_of(
                    client=replace(client, network="192.0.2.0"),
                    at=7 * 24 * HOUR,
                    history=past,
                    commonness=CountedClients(),
                    circumstances=circumstances,
                )
            ).score

        assert (score(account_attacks=3, network_attacks=3) > score()) == (not belongs)


class TestTheChoice:
    @pytest.mark.parametrize(
        ("score", "known", "two", "expected"),
        [
            (9, False, False, RiskChoice.ALLOW),
            (10, False, False, RiskChoice.NOTIFY),
            (20, False, False, RiskChoice.STEP_UP),
            (20, False, True, RiskChoice.NOTIFY),
            (30, False, False, RiskChoice.REFUSE),
            (30, True, False, RiskChoice.STEP_UP),
            (30, False, True, RiskChoice.NOTIFY),
        ],
    )
    def test_is_by_thresholds(self, score, known, two, expected):
        thresholds = {"notify": 10, "step_up": 20, "refuse": 30}
        assert choice_of(score, thresholds=thresholds, is_known_device=known, has_second_factor=two) is expected

    def test_refuses_nobody_by_default(self):
        assert (
            choice_of(100, thresholds=THRESHOLDS, is_known_device=False, has_second_factor=False) is RiskChoice.STEP_UP
        )
