"""Addresses whose place is not that of the person."""

from datetime import UTC, datetime

import pytest

from security_events.detection.client_records import client_of
from security_events.detection.facts import fact_from
from security_events.relays import canonical, is_relay
from tests.factories.sign_ins import form_of

AT = datetime(2026, 1, 5, 10, tzinfo=UTC)


@pytest.fixture
def relays(settings):
    settings.SECURITY_EVENTS = {
        **settings.SECURITY_EVENTS,
        "RELAYS": ["198.51.100.0/25", "2001:db8:7::/48", "AS64500"],
    }


class TestIsRelay:
    @pytest.mark.parametrize(
        ("address", "asn", "expected"),
        [
            ("198.51.100.7", 0, True),
            ("198.51.100.200", 0, False),
            ("2001:db8:7::1", 0, True),
            ("2001:db8:8::1", 0, False),
            ("203.0.113.7", 64500, True),
            ("203.0.113.7", 64501, False),
            ("203.0.113.7", 0, False),
            ("", 64500, False),
            ("nonsense", 0, False),
        ],
    )
    def test_compares_networks_and_systems(self, relays, address, asn, expected):
        assert is_relay(address, asn=asn) is expected

    def test_knows_none_by_itself(self):
        assert not is_relay("198.51.100.7", asn=64500)


@pytest.mark.parametrize("text", ["AS0", "AS", "AS4294967296", "ASx", "AS٦", "198.51.100.7/24", "relay", ""])
def test_other_names_are_none(text):
    with pytest.raises(ValueError, match=r".*"):
        canonical(text)


def test_names_have_one_form():
    assert [canonical(each) for each in ("as64500", "AS0064500", "198.51.100.0/24")] == [
        "AS64500",
        "AS64500",
        "198.51.100.0/24",
    ]


def test_facts_and_clients_know_them(relays):
    assert client_of(ip_address="198.51.100.7", user_agent="curl/8").is_relay
    assert not client_of(ip_address="203.0.113.7", user_agent="curl/8").is_relay
    relayed, direct = (fact_from(form_of("mina", at=AT, address=each)) for each in ("198.51.100.7", "203.0.113.7"))
    assert (relayed.is_relay, direct.is_relay) == (True, False)
