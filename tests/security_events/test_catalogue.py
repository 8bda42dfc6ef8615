import re

import pytest

from security_events import catalogue
from security_events.catalogue import CATALOGUE, EventType, is_declared, register, type_choices
from security_events.errors import EventTypeTaken, InvalidEventType
from security_events.models import SecurityEvent
from security_events.types import Category, Severity
from tests.for_each import for_each

ALL = for_each("event_type", CATALOGUE.values())


def an_event_type(name="invoice.paid", category="billing", base_risk=0, **details):
    return EventType(name, category, Severity.LOW, base_risk, **details)


@pytest.fixture
def registered(monkeypatch):
    """Take back what a test registers."""
    monkeypatch.setattr(catalogue, "_registered", dict(CATALOGUE))
    return catalogue._registered


class TestCatalogue:
    def test_is_the_sum_of_what_all_apps_declare(self):
        assert {"password.changed", "session.revoked", "ratelimit.refused", "network.refusals_suppressed"} <= set(
            CATALOGUE
        )
        assert len(CATALOGUE) == 146

    def test_has_each_type_under_its_id(self):
        assert all(name == event_type.id for name, event_type in CATALOGUE.items())

    @ALL
    def test_gives_each_type_its_weight(self, event_type):
        assert event_type.category in Category
        assert event_type.severity in Severity
        assert 0 <= event_type.base_risk <= 100
        assert event_type.ocsf_class_uid in {1008, 2003, 2004, 3001, 3002, 3004, 4002, 6002, 6003}

    @ALL
    def test_names_types_by_a_noun_and_what_happened_to_it(self, event_type):
        assert re.fullmatch(r"[a-z_]+\.[a-z_]+", event_type.id)
        assert len(event_type.id) <= SecurityEvent._meta.get_field("type").max_length

    def test_can_not_be_changed(self):
        with pytest.raises(TypeError):
            CATALOGUE["account.abducted"] = None


class TestEventType:
    def test_is_shown_by_its_id(self):
        assert str(an_event_type()) == "invoice.paid"

    def test_tells_the_class_and_the_activity_of_its_ocsf_type(self):
        event_type = an_event_type(ocsf_type_uid=300201)
        assert (event_type.ocsf_class_uid, event_type.ocsf_activity_id) == (3002, 1)
        assert (an_event_type().ocsf_class_uid, an_event_type().ocsf_activity_id) == (None, None)

    @pytest.mark.parametrize(
        "wrong",
        [
            {"name": "invoice"},
            {"name": "Invoice.paid"},
            {"name": "invoice.paid "},
            {"name": "invoice." + "p" * 60},
            {"category": ""},
            {"category": "c" * 33},
            {"base_risk": -1},
            {"base_risk": 101},
        ],
    )
    def test_refuses_what_can_not_be_stored(self, wrong):
        with pytest.raises(InvalidEventType):
            an_event_type(**wrong)


class TestRegister:
    def test_returns_what_is_declared_from_now_on(self, registered):
        event_type = an_event_type()
        assert not is_declared(event_type)
        assert register(event_type) is event_type
        assert is_declared(event_type)
        assert ("invoice.paid", "invoice.paid") in type_choices()

    def test_refuses_an_id_that_another_type_has(self, registered):
        register(an_event_type())
        with pytest.raises(EventTypeTaken):
            register(an_event_type())

    def test_takes_the_same_type_twice(self, registered):
        event_type = register(an_event_type())
        assert register(event_type) is event_type
