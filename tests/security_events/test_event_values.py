import pytest

from accounts.event_types import ACCOUNT_ACTIVATED, LOGIN_FAILED
from accounts.operator_event_types import PASSWORD_RESET_SENT
from security_events.context import RequestContext, bind
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


class TestNames:
    def test_are_masked_in_notes_and_user_agents(self):
        mina = Subject(id="1", name="mina_k", full_name="Mina Karimi")
        with bind(RequestContext(user_agent="Mina's phone/1.0")):
            event = recorded(record(ACCOUNT_ACTIVATED, target=mina, data={"note": "Karimi is mina_k, not Nora"}))

        assert event.user_agent == "Mi***'s phone/1.0"
        assert event.data == {"note": "Ka*** is mi***, not Nora"}
        assert (event.target_name, event.actor_name) == ("mi***", "")

    def test_are_not_looked_for_in_what_the_program_says(self):
        event = recorded(
            record(PASSWORD_RESET_SENT, target=Subject(id="1", name="sent"), data={"note": {"sent": "sent"}})
        )

        assert event.type == "password.reset_sent"
        assert event.data == {"note": {"sent": "sent"}}
