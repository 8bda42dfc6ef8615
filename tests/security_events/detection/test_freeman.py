"""Freeman's score beside the implementation that Wiefling et al. (2022) published, and beside a sum done by hand."""

import json
from pathlib import Path

import pytest

from security_events.detection.freeman import FreemanScore
from security_events.detection.sign_ins import ClientFacts

# Account, address, ASN, country, user agent, browser, system, device type, and the score that the functions of the
# notebook in das-group/rba-algorithm return for it (MIT licence), given the rows before. Rows without one are first
# sign-ins.
VECTORS = json.loads((Path(__file__).parent / "freeman_vectors.json").read_text(encoding="utf-8"))


COLUMNS = ("ip_address", "asn", "country", "user_agent", "browser", "system", "device_type")


def client(*values):
    return ClientFacts(**dict(zip(COLUMNS, values, strict=True)))


def test_equals_the_published_implementation():
    freeman, compared = FreemanScore(), 0
    for account, *values, expected in VECTORS:
        facts = client(*values)
        if expected is not None:
            assert freeman.score(account, facts) == pytest.approx(expected, rel=1e-12)
            compared += 1
        freeman.add(account, facts)
    assert compared == 37


def test_equals_a_sum_done_by_hand():
    """One person with one sign-in, and the same client again.

    Of the address: 0.6 x 1/1 x (1 - 3/4) for the address among everybody (it has two values above it, so three are
    unseen) x (1 - 3/4) for what is above it, plus 0.3 + 0.1; the person's own is 1. The user agent likewise, with
    three values above. Everybody is this person, so the last factor is 1.
    """
    freeman = FreemanScore()
    same = client("192.0.2.1", 1, "NO", "a", "b", "s", "d")
    freeman.add("ana", same)

    address = 0.6 * (1 - 3 / 4) * (1 - 3 / 4) + 0.3 + 0.1
    agent = 0.5386653840551359 * (1 - 4 / 5) * (1 - 4 / 5) + 0.2680451498625666 + 0.18818295100109536
    agent += 0.0051065150812021525

    assert freeman.score("ana", same) == pytest.approx(address * agent, rel=1e-9)


def test_has_no_score_for_a_first_sign_in():
    freeman = FreemanScore()
    freeman.add("ana", client("192.0.2.1", 1, "NO", "a", "b", "s", "d"))

    assert freeman.history_of("bo") == 0
    with pytest.raises(KeyError):
        freeman.score("bo", client("192.0.2.1", 1, "NO", "a", "b", "s", "d"))
