import pytest

from accounts.event_types import LOGIN_FAILED
from security_events.event_values import pseudonym
from security_events.models import SecurityEvent
from security_events.services.recording import record
from security_events.types import Subject

pytestmark = pytest.mark.django_db


def recorded(event_id):
    return SecurityEvent.objects.get(id=event_id)


class TestPseudonym:
    def test_is_the_same_for_every_spelling_of_a_name(self):
        assert pseudonym("Ada@Example.com") == pseudonym("ada@example.com") != pseudonym("grace@example.com")

    def test_hangs_on_its_key(self, settings):
        before = pseudonym("ada")
        settings.SECURITY_EVENTS = {"PSEUDONYM_KEY": "another"}

        assert pseudonym("ada") != before

    def test_stands_in_events_of_names_that_nobody_is_known_by(self):
        unknown = recorded(record(LOGIN_FAILED, actor=Subject(name="ada")))
        known = recorded(record(LOGIN_FAILED, actor=Subject(id="1", name="ada")))
        nobody = recorded(record(LOGIN_FAILED))

        assert unknown.actor_pseudonym == pseudonym("ada")
        assert known.actor_pseudonym == nobody.actor_pseudonym == ""
