import threading
import time

import pytest

from accounts.backends import PooledBackend
from accounts.services.passwords import hashing
from tests.factories.accounts import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db


class TestPooledBackend:
    def test_requires_both_name_and_password(self):
        UserFactory(username="boss", raw_password=PASSWORD, roles=["users:read"])

        assert PooledBackend().authenticate(None, username="boss", password=PASSWORD)
        assert PooledBackend().authenticate(None, username="boss") is None
        assert PooledBackend().authenticate(None, password=PASSWORD) is None

    def test_refuses_when_the_queue_of_hashes_is_full(self, settings):
        UserFactory(username="boss", raw_password=PASSWORD, roles=["users:read"])
        settings.ACCOUNTS = {**settings.ACCOUNTS, "HASHING_THREADS": 1, "HASHING_QUEUE": 1, "HASHING_NICENESS": 2}
        is_open = threading.Event()
        waiting = [threading.Thread(target=hashing._compute, args=(is_open.wait,)) for _ in range(2)]
        pool = hashing._pool(threads=1, queue=1, niceness=2)
        for thread in waiting:
            thread.start()
        while pool._idle or len(pool._queue) < 1:
            time.sleep(0.01)
        try:
            assert PooledBackend().authenticate(None, username="boss", password=PASSWORD) is None
        finally:
            is_open.set()
            for thread in waiting:
                thread.join()

    def test_refuses_accounts_that_may_not_sign_in_any_more(self, now):
        assert PooledBackend().get_user(UserFactory(roles=["users:read"]).pk)
        assert PooledBackend().get_user(UserFactory(is_active=False).pk) is None
        assert PooledBackend().get_user(UserFactory(deleted_at=now).pk) is None
