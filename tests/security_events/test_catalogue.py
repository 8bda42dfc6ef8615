import re

import pytest

from security_events.catalogue import CATALOGUE, Category, EventType, Severity
from security_events.models import SecurityEvent


class TestCatalogue:
    def test_defines_every_type_and_nothing_else(self):
        assert set(CATALOGUE) == set(EventType)

    @pytest.mark.parametrize("event_type", list(EventType))
    def test_gives_each_type_its_weight(self, event_type):
        definition = CATALOGUE[event_type]

        assert definition.category in Category
        assert definition.severity in Severity
        assert 0 <= definition.base_risk <= 100
        assert definition.ocsf_class in {2003, 2004, 3001, 3002, 3003, 3004, 6002, 6003}

    @pytest.mark.parametrize("event_type", list(EventType))
    def test_names_types_by_a_noun_and_what_happened_to_it(self, event_type):
        assert re.fullmatch(r"[a-z]+\.[a-z_]+", event_type)
        assert len(event_type) <= SecurityEvent._meta.get_field("type").max_length

    def test_can_not_be_changed(self):
        with pytest.raises(TypeError):
            CATALOGUE["account.abducted"] = None
