"""Keys that the project publishes beside the signing keys: how old they may be, and what an outage does."""

import pytest
from django.db import OperationalError

from tokens.access_tokens import further_keys as module
from tokens.access_tokens.further_keys import FurtherKeys

PUBLISHED = {"answer": ()}


def published():
    if isinstance(PUBLISHED["answer"], Exception):
        raise PUBLISHED["answer"]
    return PUBLISHED["answer"]


@pytest.fixture
def clock(monkeypatch, settings):
    settings.TOKENS = {**settings.TOKENS, "FURTHER_JWKS": f"{__name__}.published"}
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    return now


def test_keys_are_three_seconds_old_at_most_and_older_only_in_an_outage(clock, monkeypatch):
    monkeypatch.setitem(PUBLISHED, "answer", ({"kid": "first"},))
    keys = FurtherKeys()
    assert keys.jwks() == ({"kid": "first"},)
    PUBLISHED["answer"] = ({"kid": "second"},)
    clock[0] += 2.9
    assert keys.jwks() == ({"kid": "first"},)
    clock[0] += 0.1
    assert keys.jwks() == ({"kid": "second"},)
    PUBLISHED["answer"] = OperationalError("away")
    clock[0] += 3600
    assert keys.jwks() == ({"kid": "second"},)
