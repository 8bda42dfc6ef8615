"""What ratelimiting notices becomes events, over the whole way from a request."""

import pytest
from django.test import Client
from django.utils import timezone

from cedrina import wiring
from ratelimiting.detection import evasion
from ratelimiting.detection.evasion import EvasionPattern
from ratelimiting.detection.proxy_misconfiguration import ProxyMisconfiguration
from security_events.catalogue import CATALOGUE
from tests.factories.accounts import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db


def requests(count, *, agents=1, **environ):
    for number in range(count):
        headers = {"User-Agent": f"Agent/{number % agents}", **environ.pop("headers", {})}
        yield Client().get("/.well-known/jwks.json", headers=headers, **environ)


class TestMistakes:
    def test_all_traffic_from_one_address_becomes_an_event_and_a_log_line(self, events, monkeypatch, caplog):
        _look_at_once(monkeypatch)
        for answer in requests(40, agents=4, REMOTE_ADDR="10.0.0.1"):
            assert answer.status_code == 200

        event = events("network.single_address").get()
        assert event.severity == "high"
        assert event.data["address"] == "10.0.0.1"
        assert event.ip_address == "10.0.0.1"
        assert "TRUSTED_PROXIES" in caplog.text

    def test_an_untrusted_proxy_becomes_an_event_and_a_log_line(self, events, monkeypatch, caplog):
        _look_at_once(monkeypatch)
        for _ in requests(10, REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR="192.0.2.7"):
            pass

        event = events("network.untrusted_proxy").get()
        assert event.data["address"] == "10.0.0.1"
        assert "operator_mistake" in caplog.text

    def test_are_recorded_once_an_hour_by_all_processes_together(self, events, now):
        for minutes in (0, 1, 59):
            moment = now + minutes * (wiring.REPEATED_AFTER / 60)
            wiring.record_misconfiguration(
                misconfiguration=ProxyMisconfiguration.SINGLE_ADDRESS, address="10.0.0.1", data={}, now=moment
            )
        assert events("network.single_address").count() == 1
        wiring.record_misconfiguration(
            misconfiguration=ProxyMisconfiguration.SINGLE_ADDRESS,
            address="10.0.0.1",
            data={},
            now=now + wiring.REPEATED_AFTER,
        )
        assert events("network.single_address").count() == 2

    def test_are_not_seen_in_what_watches_over_the_servers(self, events, monkeypatch):
        _look_at_once(monkeypatch)
        for number in range(40):
            Client().get("/livez", headers={"User-Agent": f"Probe/{number % 4}"}, REMOTE_ADDR="10.0.0.9")
        assert not events("network.single_address").exists()


class TestEvasions:
    def test_by_path_and_method_become_scored_events(self, events):
        Client().get("/api/v1/auth/login/", REMOTE_ADDR="192.0.2.1")
        Client().get("/.well-known/jwks.json", REMOTE_ADDR="192.0.2.1", headers={"X-HTTP-Method-Override": "DELETE"})

        found = events("network.request_manipulated").order_by("id")
        assert [(event.risk_reasons, event.risk_score, event.ip_address) for event in found] == [
            (["trailing_slash"], 35, "192.0.2.1"),
            (["override"], 35, "192.0.2.1"),
        ]

    def test_by_headers_become_scored_events(self, events, settings):
        settings.RATELIMITING = {
            **settings.RATELIMITING,
            "TRUSTED_PROXIES": ["10.0.0.0/8"],
            "TRUSTED_PROXY_HEADER": "both",
        }
        Client().get(
            "/.well-known/jwks.json",
            REMOTE_ADDR="10.0.0.1",
            HTTP_X_FORWARDED_FOR="192.0.2.1",
            HTTP_FORWARDED="for=192.0.2.2",
        )
        assert events("network.headers_manipulated").get().risk_reasons == ["contradiction"]

    def test_by_changing_addresses_become_a_scored_event(self, events):
        UserFactory(username="mina", raw_password=PASSWORD)
        for number in range(12):
            Client().post(
                "/api/v1/auth/login",
                {"username": "mina", "password": "wrong"},
                content_type="application/json",
                REMOTE_ADDR=f"45.0.{number}.7",
            )
        assert events("ratelimit.addresses_rotated").get().risk_score == 60

    def test_by_changing_accounts_and_programs_become_scored_events(self, events):
        for number in range(25):
            Client().post(
                "/api/v1/auth/login",
                {"username": f"person-{number}", "password": "wrong"},
                content_type="application/json",
                REMOTE_ADDR="45.0.0.7",
            )
            Client().post(
                "/api/v1/auth/login",
                {"username": "mina", "password": "wrong"},
                content_type="application/json",
                REMOTE_ADDR="45.0.0.7",
                headers={"User-Agent": f"Bot/{number}"},
            )
        assert events("ratelimit.accounts_swept").count() == 1
        assert events("ratelimit.user_agents_rotated").count() == 1

    @pytest.mark.attack("CWE-779")
    def test_is_one_event_a_minute_whichever_processes_notice_it(self, events, monkeypatch):
        moment = timezone.now()  # else the minute may end in between
        monkeypatch.setattr(timezone, "now", lambda: moment)
        for _process in range(3):
            evasion.reset()
            Client().get("/livez/", REMOTE_ADDR="45.0.0.7")
        assert events("network.request_manipulated").count() == 1


def test_everything_that_can_be_noticed_has_a_declared_event():
    assert set(wiring.MISCONFIGURATIONS) == set(wiring.SENTENCES) == set(ProxyMisconfiguration)
    assert set(wiring.EVASIONS) == set(EvasionPattern)
    assert {*wiring.MISCONFIGURATIONS.values(), *wiring.EVASIONS.values()} <= set(CATALOGUE.values())


def _look_at_once(monkeypatch):
    """Don't wait ten seconds for the next look at the counts."""
    monkeypatch.setattr("ratelimiting.detection.proxy_misconfiguration.CHECK_SECONDS", 0.0)
