import pytest
from django.db import connection
from django.dispatch import Signal

from tests.factories.accounts import UserFactory
from tokens.services.announcing import announce

pytestmark = pytest.mark.django_db


class TestAnnounce:
    def test_tells_every_listener(self):
        told, signal = [], Signal()
        signal.connect(listen := lambda **details: told.append(details["session_id"]), weak=False)
        announce(signal, name="anything", session_id=7)
        signal.disconnect(listen)

        assert told == [7]

    def test_undoes_what_a_listener_does_wrong_and_nothing_else(self):
        user, signal = UserFactory(), Signal()

        def broken(**_details):
            user.delete()
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1 / 0")

        signal.connect(broken)
        announce(signal, name="anything")

        assert type(user).objects.filter(username=user.username).exists()
