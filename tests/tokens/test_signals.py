import pytest
from django.db import connection
from django.dispatch import Signal

from tests.factories.accounts import UserFactory
from tokens.signals import send_isolated

pytestmark = pytest.mark.django_db


class TestSendIsolated:
    def test_tells_every_listener(self):
        told, signal = [], Signal()
        signal.connect(listen := lambda **details: told.append(details["session_id"]), weak=False)
        send_isolated(signal, name="anything", session_id=7)
        signal.disconnect(listen)

        assert told == [7]

    def test_undoes_what_a_listener_does_wrong_and_nothing_else(self):
        user, signal = UserFactory(), Signal()

        def broken(**_details):
            user.delete()
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1 / 0")

        signal.connect(broken)
        send_isolated(signal, name="anything")

        assert type(user).objects.filter(username=user.username).exists()
