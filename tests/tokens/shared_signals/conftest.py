"""What tests of shared signals share."""

import pytest

from tests.factories.signals import PUSH, Receiver
from tests.peers.signal_receiver import OUTBOUND, receiving


@pytest.fixture
def receiver(api):
    """A service client that may have streams."""
    return Receiver(api)


@pytest.fixture
def pushed_to(settings):
    """A receiver on loopback, to which this process may connect."""
    with receiving() as found:
        settings.CEDRINA_BASE = {**settings.CEDRINA_BASE, **OUTBOUND, "OUTBOUND_ALLOWED_PORTS": [found.port]}
        yield found


@pytest.fixture
def push_stream(receiver, pushed_to):
    """A stream that is pushed there, with a credential."""
    return receiver.create(
        delivery={"method": PUSH, "endpoint_url": pushed_to.url, "authorization_header": "Bearer receiver-secret"}
    )
