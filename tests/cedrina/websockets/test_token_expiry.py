from datetime import timedelta

import pytest

from tests.clients.socket_threads import SocketThread
from tests.factories.tokens import open_session


@pytest.mark.django_db(transaction=True)
def test_a_socket_ends_with_its_token(settings):
    settings.TOKENS = {**settings.TOKENS, "ACCESS_TTL": timedelta(seconds=3)}
    pair = open_session()
    with SocketThread() as sockets:
        assert sockets.end_of(sockets.open("/ws/account/", pair.access_token))[0] == 4408
