"""What tests of limits share."""

import pytest

from ratelimiting import signals
from tests.ratelimiting.written import KEYS


@pytest.fixture
def policies(settings):
    """Put policies in force."""

    def give(*documents, **more):
        settings.RATELIMITING = {**settings.RATELIMITING, "POLICIES": list(documents), "KEYS": KEYS, **more}

    return give


@pytest.fixture
def told():
    """Gather what is announced, without those who would record it."""
    heard, kept = {"refused": [], "shadow_reported": []}, {}

    def listener(name):
        return lambda **details: heard[name].append(details)

    for name in heard:
        signal = getattr(signals, name)
        kept[name], signal.receivers = signal.receivers, []
        signal.connect(listener(name), weak=False)
        signal.sender_receivers_cache.clear()
    yield heard
    for name, receivers in kept.items():
        signal = getattr(signals, name)
        signal.receivers = receivers
        signal.sender_receivers_cache.clear()
