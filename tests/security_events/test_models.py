from security_events.catalogue import EventType
from security_events.models import SecurityEvent, category_choices
from security_events.models import events as models
from security_events.types import Category, Severity


class TestCategoryChoices:
    def test_are_those_of_ours_when_no_other_app_has_any(self):
        assert [value for value, _label in category_choices()] == list(Category)

    def test_end_with_those_that_other_apps_add(self, monkeypatch):
        added = EventType("invoice.paid", "billing", Severity.LOW, 0)
        monkeypatch.setattr(models, "CATALOGUE", {added.id: added})

        assert category_choices()[-1] == ("billing", "billing")
        assert SecurityEvent(category="billing").get_category_display() == "billing"
