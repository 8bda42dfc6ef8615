import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import bcrypt
import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher, make_password

from accounts.errors import HashingBusy
from accounts.hashers import BCryptHasher
from accounts.services.passwords import hashing
from security_events.context import RequestContext, bind
from tests.accounts.recorder import Waits

PASSWORD = "violet harbour drum kite"


def with_conf(settings, **changes):
    settings.ACCOUNTS = {**settings.ACCOUNTS, **changes}


def poll(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


class TestCheck:
    def test_tells_the_right_password_from_a_wrong_one(self):
        digest = make_password(PASSWORD)

        assert hashing.check(password=PASSWORD, digest=digest).is_right
        assert not hashing.check(password=PASSWORD + " ", digest=digest).is_right

    def test_looks_at_all_of_a_long_password(self):
        digest = make_password("a" * 100 + "b")

        assert not hashing.check(password="a" * 100 + "c", digest=digest).is_right

    @pytest.mark.parametrize(
        "digest", [None, "", "!unusable", "no hash", "bcrypt_sha256$nonsense", "bcrypt_sha256$$2b$04$x"]
    )
    def test_costs_one_computation_without_a_usable_hash(self, bcrypt_computations, digest):
        assert not hashing.check(password=PASSWORD, digest=digest).is_right
        assert sum(bcrypt_computations) == 1

    def test_costs_one_computation_for_a_wrong_password(self, bcrypt_computations):
        digest = make_password(PASSWORD)
        bcrypt_computations.clear()

        hashing.check(password="wrong", digest=digest)

        assert sum(bcrypt_computations) == 1

    def test_takes_no_less_for_a_wrong_password_behind_a_cheaper_hash(self, settings, bcrypt_computations):
        digest = make_password(PASSWORD)
        with_conf(settings, BCRYPT_ROUNDS=7)
        bcrypt_computations.clear()

        hashing.check(password="wrong", digest=digest)

        assert sum(bcrypt_computations) == 1

    def test_takes_no_less_for_a_wrong_password_behind_a_hash_of_another_kind(self, bcrypt_computations):
        digest = PBKDF2PasswordHasher().encode(PASSWORD, "salt", iterations=1)
        bcrypt_computations.clear()

        assert not hashing.check(password="wrong", digest=digest).is_right
        assert sum(bcrypt_computations) == 1

    def test_offers_a_dearer_hash_for_a_cheaper_one(self, settings):
        digest = make_password(PASSWORD)
        with_conf(settings, BCRYPT_ROUNDS=5)

        verdict = hashing.check(password=PASSWORD, digest=digest)

        assert verdict.is_right
        assert verdict.upgraded_digest.startswith("bcrypt_sha256$$2b$05$")

    def test_offers_a_hash_of_the_current_kind_for_another(self):
        digest = PBKDF2PasswordHasher().encode(PASSWORD, "salt", iterations=1)

        assert hashing.check(password=PASSWORD, digest=digest).upgraded_digest.startswith("bcrypt_sha256$")

    def test_keeps_a_dearer_hash(self, settings):
        with_conf(settings, BCRYPT_ROUNDS=6)
        digest = make_password(PASSWORD)
        with_conf(settings, BCRYPT_ROUNDS=5)

        assert hashing.check(password=PASSWORD, digest=digest) == hashing.PasswordCheck(is_right=True)

    def test_computes_in_a_thread_of_the_pool_that_stands_back(self, settings):
        settings.ACCOUNTS = {**settings.ACCOUNTS, "HASHING_NICENESS": 1}
        seen = []
        niceness = hashing._compute(
            lambda: (
                seen.append(threading.current_thread().name),
                os.getpriority(os.PRIO_PROCESS, threading.get_native_id()),
            )
        )[1]

        assert seen[0].startswith("hashing")
        assert niceness > os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


class TestCompute:
    def test_makes_hashes_at_the_cost_of_the_setting_with_salts_of_their_own(self):
        first, second = hashing.compute(password=PASSWORD), hashing.compute(password=PASSWORD)

        assert first.startswith("bcrypt_sha256$$2b$04$")
        assert first != second

    def test_enters_the_hook_while_it_waits(self, settings):
        Waits.open_transactions = []
        with_conf(settings, WHILE_HASHING="tests.accounts.recorder.Waits")

        hashing.compute(password=PASSWORD)

        assert Waits.open_transactions == [False]

    def test_needs_no_hook(self, settings):
        with_conf(settings, WHILE_HASHING=None)

        assert hashing.compute(password=PASSWORD)

    def test_refuses_when_threads_and_queue_are_full_and_recovers(self, settings):
        with_conf(settings, HASHING_THREADS=1, HASHING_QUEUE=1, HASHING_WAIT=timedelta(seconds=60))
        is_open, pool = threading.Event(), hashing._pool(threads=1, queue=1, niceness=0)
        with ThreadPoolExecutor(2) as callers:
            waiting = [callers.submit(hashing._compute, is_open.wait) for _ in range(2)]
            poll(lambda: len(pool._queue) == 1 and pool._idle == 0)
            with pytest.raises(HashingBusy) as refusal:
                hashing.compute(password=PASSWORD)
            is_open.set()
            assert all(future.result(timeout=60) for future in waiting)

        assert refusal.value.retry_after >= 1
        assert hashing.compute(password=PASSWORD)

    def test_gives_its_place_back_when_the_work_fails(self, settings):
        with_conf(settings, HASHING_THREADS=1, HASHING_QUEUE=1)

        for _ in range(5):
            with pytest.raises(ZeroDivisionError):
                hashing._compute(lambda: 1 / 0)
        assert hashing.compute(password=PASSWORD)

    @pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
    def test_works_in_a_forked_process(self):
        hashing.compute(password=PASSWORD)
        child = os.fork()
        if child == 0:
            os._exit(0 if hashing.compute(password=PASSWORD) else 1)
        assert os.waitpid(child, 0)[1] == 0


class TestMatchesAny:
    def test_finds_the_password_among_some_hashes(self):
        digests = [make_password("another"), "!", "no hash", make_password(PASSWORD)]

        assert hashing.matches_any(password=PASSWORD, digests=digests)
        assert not hashing.matches_any(password=PASSWORD, digests=digests[:3])


@pytest.fixture
def one_thread(settings):
    """Give a pool of one thread that is busy until the block ends, and a function that adds work from an address."""
    with_conf(settings, HASHING_THREADS=1, HASHING_QUEUE=8, HASHING_WAIT=timedelta(seconds=30))
    gate, served, people = threading.Event(), [], ThreadPoolExecutor(40)
    pool = hashing._pool(threads=1, queue=8, niceness=0)

    def waiting():
        return len(pool._queue)

    def add(name, *, address=None, owner=""):
        def ask():
            with bind(RequestContext(ip_address=address)):
                return hashing._compute(lambda: served.append(name), owner=owner)

        before, future = waiting(), people.submit(ask)
        # What is added is there, has replaced something, or was refused.
        poll(lambda: future.done() or waiting() > before or before == 8)
        return future

    blocking = people.submit(hashing._compute, gate.wait)
    poll(lambda: pool._idle == 0)

    def finish():
        gate.set()
        blocking.result(timeout=120)
        poll(lambda: waiting() == 0 and pool._idle == 1)
        return served

    yield add, finish
    gate.set()
    people.shutdown()


class TestTheQueue:
    def test_serves_networks_in_turn(self, one_thread):
        add, finish = one_thread
        for number in range(4):
            add(f"flood {number}", address=f"198.51.{number}.7")
        add("elsewhere", address="203.0.113.9")
        add("ipv6", address="2001:db8:1::9")

        served = finish()

        assert served[:3] == ["flood 0", "elsewhere", "ipv6"]
        assert len(served) == 6

    def test_gives_known_people_a_turn_of_their_own(self, one_thread):
        add, finish = one_thread
        for number in range(6):
            add(f"flood {number}", address="203.0.113.9")
        add("owner", address="203.0.113.9", owner="mina")

        assert "owner" in finish()[:4]

    def test_keeps_a_quarter_from_any_one_network(self, one_thread):
        add, finish = one_thread
        flood = [add(number, address=f"198.51.{number}.7") for number in range(9)]

        assert [future.done() for future in flood] == [False] * 6 + [True] * 3
        assert all(isinstance(future.exception(), HashingBusy) for future in flood[6:])
        assert len(finish()) == 6

    def test_drops_from_the_network_that_has_most_waiting_when_it_is_full(self, one_thread):
        add, finish = one_thread
        flood = [add(("flood", number), address=f"198.51.{number}.7") for number in range(6)]
        others = [add(("other", number), address=f"{number + 1}.0.0.7") for number in range(4)]

        poll(lambda: sum(future.done() for future in flood) == 2)
        served = finish()

        assert not any(future.exception(timeout=120) for future in others)
        assert sum(name == "other" for name, _ in served) == 4
        assert sum(isinstance(future.exception(), HashingBusy) for future in flood) == 2

    def test_sends_away_who_waited_too_long(self, settings, one_thread):
        add, finish = one_thread
        with_conf(settings, HASHING_WAIT=timedelta(milliseconds=50))
        late = add("late")

        assert isinstance(late.exception(timeout=120), HashingBusy)
        with_conf(settings, HASHING_WAIT=timedelta(seconds=30))
        add("patient")
        assert finish() == ["patient"]

    def test_lets_finish_what_has_begun(self, settings):
        # It has to begin in time, on a busy machine, too.
        with_conf(settings, HASHING_THREADS=1, HASHING_QUEUE=8, HASHING_WAIT=timedelta(seconds=1))

        assert hashing._compute(lambda: time.sleep(1.5) or "done") == "done"
