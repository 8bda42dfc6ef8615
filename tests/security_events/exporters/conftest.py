"""What tests of the exporters share."""

import pytest

from security_events import catalogue
from security_events.catalogue import EventType
from security_events.types import Severity


@pytest.fixture
def declared_as(monkeypatch):
    """Declare a type of another project, as `declared_as(ocsf_type_uid)`; it is gone after the test."""

    def declare(type_uid):
        event_type = EventType("shop.order_paid", "shop", Severity.LOW, 5, type_uid, data=("amount", "privileges"))
        monkeypatch.setitem(catalogue._registered, event_type.id, event_type)
        return event_type

    return declare
