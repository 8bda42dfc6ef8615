import uuid

import pytest
from django.contrib import admin

from accounts.event_types import LOGIN_FAILED
from security_events.admin import SecurityEventAdmin
from security_events.context import RequestContext, bind
from security_events.models import SecurityEvent
from security_events.services.recording import record
from security_events.types import Subject

pytestmark = pytest.mark.django_db


@pytest.fixture
def page():
    return SecurityEventAdmin(SecurityEvent, admin.site)


class TestSearch:
    def found(self, page, term):
        events, may_have_duplicates = page.get_search_results(None, SecurityEvent.objects.all(), term)
        assert not may_have_duplicates
        return {event.id for event in events}

    def test_finds_ids_addresses_and_names_that_no_account_has(self, page):
        session_id = uuid.uuid4()
        with bind(RequestContext(correlation_id="corr-1", ip_address="203.0.113.7")):
            event_id = record(LOGIN_FAILED, actor=Subject(name="Nobody@Example.com"), session_id=session_id)

        for term in (str(event_id), str(session_id), "corr-1", "203.0.113.7", " nobody@example.com "):
            assert self.found(page, term) == {event_id}, term
        assert self.found(page, "somebody@example.com") == set()

    def test_without_a_term_lists_all(self, page):
        assert record(LOGIN_FAILED) in self.found(page, " ")


def test_nothing_can_be_added_changed_or_deleted(page):
    assert not page.has_add_permission(None)
    assert not page.has_change_permission(None)
    assert not page.has_delete_permission(None)
