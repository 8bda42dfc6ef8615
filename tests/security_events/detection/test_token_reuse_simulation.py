"""Simulated reuses of refresh tokens: they can happen, and both kinds look as it is said that they do."""

from random import Random

import pytest

from security_events.detection.sign_ins import ClientFacts, SignIn
from security_events.detection.simulation.people import BEGIN, DAY
from security_events.detection.simulation.token_reuse import UsedClients, honest_reuse, stolen_reuse

AT = BEGIN + 100.5 * DAY
HOME = ClientFacts(ip_address="192.0.2.7", network="192.0.2", user_agent="Phone/1.0")
WORK = ClientFacts(ip_address="198.51.100.4", network="198.51.100", user_agent="Phone/1.1")
LAPTOP = ClientFacts(ip_address="192.0.2.8", network="192.0.2", user_agent="Laptop/1.0")


@pytest.mark.parametrize("made", [honest_reuse, stolen_reuse])
def test_a_reuse_is_of_a_superseded_token_and_confirmed_later_if_at_all(made):
    reuses = [made(Random(number), at=AT) for number in range(300)]

    assert all(each.generations_behind >= 1 and each.idle_seconds >= 0 for each in reuses)
    assert all(each.confirmed_at is None or each.confirmed_at > each.at for each in reuses)
    assert reuses == [made(Random(number), at=AT) for number in range(300)]


def test_both_kinds_overlap_in_each_sign_so_that_none_decides_alone():
    honest = [honest_reuse(Random(number), at=AT) for number in range(300)]
    stolen = [stolen_reuse(Random(number), at=AT) for number in range(300)]

    for reuses in (honest, stolen):
        assert any(each.generations_behind < 4 for each in reuses)
        assert any(each.generations_behind >= 4 for each in reuses)
        assert any(each.idle_seconds < 900 for each in reuses)
        assert any(each.idle_seconds >= 900 for each in reuses)
        assert any(each.confirmed_at is None for each in reuses)
        assert any(each.confirmed_at for each in reuses)
    assert {each.is_by_thief for each in stolen} == {False, True}


def test_a_client_is_familiar_as_the_service_says():
    used = UsedClients()
    used.add(SignIn(AT - DAY, "mina", HOME, succeeded=True))

    assert used.is_familiar(HOME, HOME, at=AT)
    assert used.is_familiar(HOME, WORK, at=AT)
    assert not used.is_familiar(WORK, HOME, at=AT)
    assert not used.is_familiar(HOME, LAPTOP, at=AT)
    assert not used.is_familiar(HOME, WORK, at=AT + 60 * DAY)
    used.add(SignIn(AT - DAY, "mina", WORK, succeeded=True))
    assert used.of_kind(HOME, at=AT, rng=Random(1)) in (HOME, WORK)
    assert used.of_kind(LAPTOP, at=AT, rng=Random(1)) == LAPTOP
