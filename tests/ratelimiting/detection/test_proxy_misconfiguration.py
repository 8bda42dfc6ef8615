"""What passes by is counted, and two mistakes of operators are told from people."""

import pytest
from django.dispatch import Signal

from ratelimiting import signals
from ratelimiting.client_addresses.resolution import ClientAddress, HeaderFinding
from ratelimiting.detection.proxy_misconfiguration import ProxyDetector, ProxyMisconfiguration

SPOOFED = (HeaderFinding.UNTRUSTED_PEER,)


@pytest.fixture
def told(monkeypatch):
    """Collect what the signals send; other receivers are disconnected."""
    found = []
    monkeypatch.setattr(signals, "misconfiguration_detected", Signal())
    monkeypatch.setattr(signals, "evasion_detected", Signal())

    def misconfiguration_detected(misconfiguration, address, data, **_more):
        found.append((misconfiguration.value, address, data))

    def evasion_detected(pattern, score, reasons, **_more):
        found.append((pattern.value, score, list(reasons)))

    signals.misconfiguration_detected.connect(misconfiguration_detected, weak=False)
    signals.evasion_detected.connect(evasion_detected, weak=False)
    return found


def caller(address, *findings):
    return ClientAddress(address, address, findings)


def pass_by(observer, callers, *, start=0.0, every=1.0, agents=5):
    now = start
    for number, each in enumerate(callers):
        observer.count(each, f"Agent/{number % agents}", now=now)
        now += every
    return now


class TestAllTrafficFromOneAddress:
    def test_is_noticed_within_a_minute(self, told):
        pass_by(ProxyDetector(), [caller("10.0.0.1")] * 60)
        assert [(kind, address) for kind, address, _ in told] == [("single_address", "10.0.0.1")]

    def test_is_noticed_where_there_is_little_traffic_a_little_later(self, told):
        pass_by(ProxyDetector(), [caller("10.0.0.1")] * 31, every=30)
        assert len(told) == 1

    def test_is_said_once_an_hour(self, told):
        pass_by(ProxyDetector(), [caller("10.0.0.1")] * 7100)
        assert len(told) == 2

    def test_is_not_seen_in_one_clients_traffic(self, told):
        pass_by(ProxyDetector(), [caller("10.0.0.1")] * 1000, agents=1)
        assert told == []

    def test_is_not_seen_where_there_are_others(self, told):
        pass_by(ProxyDetector(), [caller(f"10.0.0.{number % 7}") for number in range(1000)])
        pass_by(ProxyDetector(), [caller("10.0.0.1" if number % 20 else "192.0.2.1") for number in range(1000)])
        assert told == []


class TestAnUntrustedProxy:
    def test_is_noticed_within_a_minute(self, told):
        pass_by(ProxyDetector(), [caller("10.0.0.1", *SPOOFED)] * 12, every=5)
        kinds = [entry for entry in told if entry[0] == "untrusted_proxy"]
        assert [(kind, address) for kind, address, _ in kinds] == [("untrusted_proxy", "10.0.0.1")]
        assert kinds[0][2]["forwarded"] >= 5

    def test_is_noticed_when_there_are_two(self, told):
        pass_by(ProxyDetector(), [caller(f"10.0.0.{number % 2}", *SPOOFED) for number in range(60)])
        assert "untrusted_proxy" in [kind for kind, *_ in told]

    def test_is_distinguished_from_a_spoofed_header(self, told):
        crowd = [
            caller("192.0.2.1", *SPOOFED) if number % 5 else caller(f"198.51.100.{number % 9}") for number in range(500)
        ]
        pass_by(ProxyDetector(), crowd)
        assert [kind for kind, *_ in told] == ["headers_manipulated"]

    def test_is_reported_again_soon_when_the_event_could_not_be_stored(self, told):
        def fails(**_more):
            raise ConnectionError

        signals.misconfiguration_detected.connect(fails)
        try:
            pass_by(ProxyDetector(), [caller("10.0.0.1", *SPOOFED)] * 130)
        finally:
            signals.misconfiguration_detected.disconnect(fails)
        assert [kind for kind, *_ in told].count("untrusted_proxy") >= 2


class TestManipulatedHeaders:
    def test_are_scored_once_an_hour_for_each_network(self, told):
        odd = caller("192.0.2.1", HeaderFinding.CONTRADICTION, HeaderFinding.MALFORMED)
        now = pass_by(ProxyDetector(), [odd] * 50 + [caller("192.0.2.2")] * 50, agents=1)
        assert told == [("headers_manipulated", 40, ["contradiction", "malformed"])]
        observer = ProxyDetector()
        pass_by(observer, [odd, caller("192.0.2.9", HeaderFinding.TOO_LONG), odd], every=1800.1, start=now, agents=1)
        assert len(told) == 4

    def test_are_not_those_of_people_in_an_intranet(self, told):
        pass_by(ProxyDetector(), [caller(f"192.168.0.{number % 9}", HeaderFinding.PRIVATE) for number in range(100)])
        assert told == []


class TestTheMemory:
    def test_is_bounded(self, told):
        observer = ProxyDetector()
        pass_by(observer, [caller(f"2001:db8::{number:x}", *SPOOFED) for number in range(10_000)], every=0.001)
        assert len(observer.manipulations._until) <= 4096
        assert len(observer.agents) <= 3
        # and so is what is said
        assert len([entry for entry in told if entry[0] == "headers_manipulated"]) == 200


def test_every_mistake_has_a_name():
    assert {mistake.value for mistake in ProxyMisconfiguration} == {"single_address", "untrusted_proxy"}
