"""Who may try how many passwords."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.client_tokens import known_devices
from accounts.conf import DEFAULT_SIGN_IN_BACKOFF
from accounts.errors import AttemptsExhausted, CredentialsInvalid, EmailNotConfirmed, HashingBusy
from accounts.models import KnownClient, SignInFailures
from accounts.models.passwords import AttemptCounter, AttemptPool
from accounts.services.passwords import attempts, hashing, password_changes
from accounts.services.sign_in import password_sign_in
from ratelimiting.algorithms import backoff
from ratelimiting.algorithms.backoff import Backoff
from tests.budgets import examples
from tests.factories.accounts import PASSWORD, UserFactory
from tokens.models import Session
from tokens.types import ClientContext

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
WRONG = "wrong"


def client(number=0, agent="Stranger/1.0"):
    return ClientContext(ip_address=f"45.{number // 250}.{number % 250}.7", user_agent=agent)


def guess(now, name="mina", where=None, password=WRONG, **more):
    return password_sign_in.sign_in(name=name, password=password, client=where or client(), now=now, **more)


def fail(count, now, **where):
    for _ in range(count):
        with pytest.raises(CredentialsInvalid):
            guess(now, **where)


@pytest.fixture
def mina():
    return UserFactory(username="mina", raw_password=PASSWORD)


class TestBegin:
    @pytest.mark.parametrize("name", ["mina", "nobody", "mina@example.com", "nobody@example.com", "ß" * 254])
    def test_allows_five_guesses_and_then_returns_the_time_to_wait(self, mina, now, name, hashing_recorder):
        hashing_recorder.open_transactions.clear()
        fail(5, now, name=name)

        with pytest.raises(AttemptsExhausted) as refusal:
            guess(now + MINUTE, name=name)

        assert refusal.value.retry_after in (240, 241)
        assert len(hashing_recorder.open_transactions) == 5

    def test_does_not_check_the_right_password_of_a_blocked_client(self, mina, now, hashing_recorder):
        fail(5, now)
        hashing_recorder.open_transactions.clear()

        with pytest.raises(AttemptsExhausted):
            guess(now, password=PASSWORD, where=client(7))

        assert hashing_recorder.open_transactions == []

    def test_counts_over_all_networks_and_in_any_spelling_of_the_name(self, mina, now):
        for number, name in enumerate(["mina", "MINA", "Mina", "mINA", "minA"]):
            fail(1, now, name=name, where=client(number))

        with pytest.raises(AttemptsExhausted):
            guess(now, where=client(99))

    def test_does_not_give_away_that_a_name_and_an_address_belong_together(self, mina, now):
        fail(5, now, name="mina")

        fail(1, now, name="mina@example.com")
        fail(1, now, name="nobody@example.com")

    def test_lets_one_network_alone_not_keep_the_account_closed(self, mina, now):
        """What the pair is refused is not charged to the account, which forgives sooner."""
        moment = now
        closed = 0
        for _ in range(24 * 6):
            moment += 10 * MINUTE
            for _ in range(3):
                try:
                    guess(moment)
                except CredentialsInvalid:
                    pass
                except AttemptsExhausted:
                    break
            row = SignInFailures.objects.get(pool=AttemptPool.ACCOUNT)
            closed += row.blocked_until is not None and row.blocked_until > moment
        assert closed < 24 * 6 / 3

    def test_slows_down_a_network_that_tries_many_accounts(self, now, settings):
        settings.ACCOUNTS = {
            **settings.ACCOUNTS,
            "SIGN_IN_BACKOFF": {"network": Backoff(free=6, first=60, longest=900, forgiven_after=60)},
        }
        for number in range(6):
            fail(1, now, name=f"nobody-{number}")

        with pytest.raises(AttemptsExhausted):
            guess(now, name="nobody-7")
        fail(1, now, name="nobody-7", where=client(300))
        fail(1, now + MINUTE, name="nobody-8")

    def test_writes_nothing_while_a_wait_runs(self, mina, now, events):
        fail(5, now)
        before = list(SignInFailures.objects.order_by("key").values())
        failed = events("authentication.login_failed").count()

        for _ in range(5):
            with pytest.raises(AttemptsExhausted):
                guess(now)

        assert list(SignInFailures.objects.order_by("key").values()) == before
        assert events("authentication.login_failed").count() == failed

    def test_stores_neither_names_nor_addresses(self, mina, now):
        fail(2, now, name="somebody@example.org")

        with connection.cursor() as cursor:
            cursor.execute("SELECT string_agg(f::text, ' ') FROM accounts_signinfailures f")
            stored = cursor.fetchone()[0]
        assert "somebody" not in stored
        assert "45.0" not in stored


class TestAKnownDevice:
    def test_is_not_the_network_and_the_kind_of_client_that_others_share(self, mina, now):
        owner = ClientContext(ip_address="203.0.113.7", user_agent="Phone/1.0")
        guess(now, password=PASSWORD, where=owner)
        fail(5, now, where=client(1))

        with pytest.raises(AttemptsExhausted):
            guess(now + MINUTE, password=PASSWORD, where=owner)

    def test_signs_in_from_any_network_while_unknown_clients_wait(self, mina, now):
        token = known_devices.mint(user=mina, device=None, now=now)
        fail(5, now)

        assert guess(now, password=PASSWORD, where=client(77), device_token=token).tokens

    def test_has_a_bound_of_its_own(self, mina, now):
        """A stolen cookie buys ten guesses, not any number."""
        token = known_devices.mint(user=mina, device=None, now=now)
        for number in range(10):
            fail(1, now, where=client(number), device_token=token)

        with pytest.raises(AttemptsExhausted):
            guess(now, where=client(11), device_token=token)
        # and nobody else is hurt by them
        assert guess(now, password=PASSWORD, where=client(12)).tokens

    def test_is_unknown_after_a_password_change(self, mina, now):
        owner = ClientContext(ip_address="203.0.113.7", user_agent="Phone/1.0")
        guess(now, password=PASSWORD, where=owner)
        token = known_devices.mint(user=mina, device=None, now=now)
        mina.set_password("another quiet green lamp")
        mina.save()
        fail(5, now)

        for device_token in ("", token):
            with pytest.raises(AttemptsExhausted):
                guess(now, where=owner, device_token=device_token)


class TestASuccess:
    def test_gives_back_what_it_was_charged_and_no_more(self, mina, now):
        fail(3, now, where=client(1))
        guess(now, password=PASSWORD, where=client(2))

        counts = dict(SignInFailures.objects.filter(pool=AttemptPool.ACCOUNT).values_list("pool", "count"))
        assert counts == {"account": 3}
        fail(2, now, where=client(3))
        with pytest.raises(AttemptsExhausted):
            guess(now, where=client(4))

    def test_does_not_reset_the_count_of_its_network(self, mina, now):
        fail(3, now)
        guess(now, password=PASSWORD)

        assert SignInFailures.objects.get(pool=AttemptPool.PAIR).count == 3

    def test_does_not_free_a_network_from_its_guesses_at_others(self, mina, now):
        """Otherwise an attacker could reset the count by signing in to an account of their own."""
        for number in range(4):
            fail(1, now, name=f"nobody-{number}")
        guess(now, password=PASSWORD)

        assert SignInFailures.objects.get(pool=AttemptPool.NETWORK).count == 4

    def test_after_a_wait_does_not_shorten_the_next_wait_of_unknown_clients(self, mina, now):
        fail(5, now, where=client(1))
        after = now + 6 * MINUTE
        guess(after, password=PASSWORD, where=client(2))

        row = SignInFailures.objects.get(pool=AttemptPool.ACCOUNT)
        assert (row.count, row.blocked_until) == (5, None)
        fail(1, after, where=client(3))
        row.refresh_from_db()
        assert row.blocked_until == after + 10 * MINUTE

    def test_is_refunded_even_when_the_sign_in_is_refused_for_another_reason(self, now, required_confirmation):
        UserFactory(username="mina", raw_password=PASSWORD, email_confirmed_at=None)

        for _ in range(7):
            with pytest.raises(EmailNotConfirmed):
                guess(now, password=PASSWORD)

    def test_counts_nothing_when_no_password_could_be_looked_at(self, mina, now, monkeypatch):
        def busy(work, owner):
            raise HashingBusy(retry_after=1)

        monkeypatch.setattr(hashing, "_compute", busy)
        for _ in range(7):
            with pytest.raises(HashingBusy):
                guess(now)
        assert set(SignInFailures.objects.values_list("count", flat=True)) == {0}


class TestBeginInSession:
    def test_bounds_the_guesses_of_its_thief_and_blocks_no_other_client(self, mina, now, phone):
        stolen = guess(now, password=PASSWORD, where=phone)
        for _ in range(3):
            with pytest.raises(CredentialsInvalid):
                password_sign_in.reauthenticate(
                    user=mina, session_id=stolen.tokens.session_id, password="wrong", now=now
                )
        for _ in range(2):
            with pytest.raises(CredentialsInvalid):
                password_changes.change(
                    user=mina, session_id=stolen.tokens.session_id, old_password="wrong", new_password="x", now=now
                )

        with pytest.raises(AttemptsExhausted):
            password_sign_in.reauthenticate(user=mina, session_id=stolen.tokens.session_id, password=PASSWORD, now=now)
        other = guess(now, password=PASSWORD, where=client(5))
        assert password_sign_in.reauthenticate(
            user=mina, session_id=other.tokens.session_id, password=PASSWORD, now=now
        )
        assert Session.objects.filter(ended_at=None).count() == 2


class TestLocks:
    def test_begin_and_end_with_an_event(self, mina, now, events):
        fail(5, now, where=client(1))
        begun = {event.data["pool"]: event for event in events("authentication.locked")}
        assert set(begun) == {"account", "pair"}
        assert begun["account"].target_id == str(mina.pk)
        assert begun["account"].risk_score == 50
        assert begun["account"].risk_reasons == ["account_failures"]
        assert begun["account"].data["seconds"] == 300

        assert attempts.record_expired_locks(now=now + 4 * MINUTE) == 0
        assert attempts.record_expired_locks(now=now + 5 * MINUTE) == 2
        assert attempts.record_expired_locks(now=now + 5 * MINUTE) == 0
        ended = events("authentication.lock_expired")
        assert [event.target_id for event in ended] == [str(mina.pk)] * 2
        assert {event.data["pool"] for event in ended} == {"account", "pair"}

    def test_that_grow_are_one_lock(self, mina, now, events):
        fail(5, now)
        fail(1, now + 6 * MINUTE)

        assert events("authentication.locked").count() == 2

    def test_of_an_unknown_name_are_recorded_in_the_same_way(self, now, events):
        fail(5, now, name="nobody")

        event = events("authentication.locked").filter(data__pool="account").get()
        assert (event.target_id, event.target_name) == ("", "no***")


class TestUnlock:
    def test_ends_all_waits_of_one_person(self, mina, now, events):
        boss = UserFactory(username="boss", admin=True)
        UserFactory(username="omid", raw_password=PASSWORD)
        fail(5, now)
        fail(5, now, name="mina@example.com")
        fail(5, now, name="omid")

        assert attempts.unlock(user=mina, by=boss, reason="she called", now=now) == 4

        assert guess(now, password=PASSWORD).tokens
        event = events("authentication.unlocked").get()
        assert (event.actor_id, event.target_id, event.data["note"]) == (str(boss.pk), str(mina.pk), "she called")
        with pytest.raises(AttemptsExhausted):
            guess(now, name="omid", password=PASSWORD)
        assert attempts.unlock(user=mina, now=now) == 0


class TestPurge:
    def test_deletes_decayed_counters_and_keeps_the_others(self, mina, now):
        fail(2, now - timedelta(days=6))
        fail(2, now, where=client(9))
        KnownClient.objects.create(key=b"old", seen_at=now - timedelta(days=181))
        KnownClient.objects.create(key=b"new", seen_at=now)

        assert attempts.purge(now=now) == 3

        assert list(KnownClient.objects.values_list("seen_at", flat=True)) == [now]
        assert SignInFailures.objects.filter(counted_at=now).count() == SignInFailures.objects.count() == 3

    @pytest.mark.parametrize(("name", "rule"), DEFAULT_SIGN_IN_BACKOFF.items())
    def test_deletes_no_counter_that_still_counts(self, name, rule):
        longest = rule.longest + rule.most * rule.forgiven_after

        assert timedelta(seconds=longest) <= attempts._KEPT


class TestTheStatement:
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=examples(0.6))
    @given(
        rule=st.builds(
            lambda free, first, factor, forgiven: Backoff(free, first, first * factor, forgiven),
            st.integers(2, 6),
            st.integers(1, 300),
            st.integers(1, 20),
            st.integers(1, 900),
        ),
        steps=st.lists(st.tuples(st.integers(0, 2000), st.booleans()), min_size=1, max_size=25),
        key=st.binary(min_size=16, max_size=16),
    )
    def test_counts_as_the_pure_model_does(self, rule, steps, key):
        moment, model = datetime(2026, 3, 1, tzinfo=UTC), None
        SignInFailures.objects.all().delete()
        for gap, is_right in steps:
            moment += timedelta(seconds=gap)
            expected = backoff.charge(rule, model, now=moment)
            charged = SignInFailures.objects.charge(
                [AttemptCounter(key, AttemptPool.ACCOUNT, rule)], subject="", now=moment
            )
            assert (charged.wait is None) == (expected is not None)
            model = expected or model
            if expected is not None and is_right:
                model = backoff.refund(rule, model, charged_at=moment)
                SignInFailures.objects.refund(keys=charged.keys, at=charged.at)
            row = SignInFailures.objects.get()
            assert (row.count, row.counted_at, row.blocked_until) == (
                model.count,
                model.counted_at,
                model.blocked_until,
            )
