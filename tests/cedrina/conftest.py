"""What tests of the project share."""

import pytest
from django.core.signals import request_finished, request_started

from tests.accounts.conftest import events

SIGNALS = (request_started, request_finished)


@pytest.fixture
def signals_of_django():
    """Give back what the handler of our servers takes away from the whole process."""
    before = [list(signal.receivers) for signal in SIGNALS]
    yield
    for signal, receivers in zip(SIGNALS, before, strict=True):
        signal.receivers[:] = receivers
        signal.sender_receivers_cache.clear()
