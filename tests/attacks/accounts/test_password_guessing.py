"""A botnet guesses one person's password; she notices nothing (OWASP ASVS 5.0, 6.3.1)."""

import random
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.client_tokens import known_devices
from accounts.errors import AttemptsExhausted, CredentialsInvalid
from accounts.models import SignInFailures
from accounts.services.administration import admin_sign_in
from accounts.services.passwords import attempts
from accounts.services.sign_in import password_sign_in
from tests.factories.accounts import PASSWORD, UserFactory
from tokens.types import ClientContext

pytestmark = [pytest.mark.django_db, pytest.mark.attack("OWASP ASVS 5.0, 6.3.1")]
NETWORKS, GUESSES = 500, 10_000
HOURS = 3
HOME = ClientContext(ip_address="203.0.113.7", user_agent="Phone/1.0")


def bots():
    """Give an address in each of many networks, of both kinds."""
    return [f"45.{n // 250}.{n % 250}.{n % 200 + 1}" if n % 2 else f"2001:db8:{n:x}::{n:x}" for n in range(NETWORKS)]


def guess(chance, user, address, now):
    """Try a password in one of the ways that there are; tell whether it was really looked at."""
    client = ClientContext(ip_address=address, user_agent=f"Bot/{chance.randrange(9)}")
    name, password = chance.choice(["mina", "MINA", "mina@example.com"]), f"guess {chance.random()}"
    try:
        if chance.randrange(10):  # what both ways in do, without looking the person up again
            attempt = attempts.charge(name=name, user=user, client=client, now=now)
            is_let_in = attempts.check_password(
                attempt=attempt, password=password, digest=user.password, now=now
            ).is_right
        else:
            way = chance.choice([password_sign_in.sign_in, admin_sign_in.verify_password])
            is_let_in = way(name=name, password=password, client=client, now=now) is not None
    except AttemptsExhausted:
        return False
    except CredentialsInvalid:
        return True
    assert not is_let_in
    return True


@pytest.mark.slow
class TestTenThousandGuesses:
    @pytest.mark.timeout(1200)
    def test_from_five_hundred_networks_are_hardly_ever_looked_at_and_never_stop_the_owner(
        self, now, hashing_recorder, events
    ):
        mina = UserFactory(username="mina", raw_password=PASSWORD, roles=["users:read"])
        chance, networks = random.Random(4), bots()
        # Before the attack she has signed in on two devices: a phone at home, a browser that now travels.
        living = password_sign_in.sign_in(name="mina", password=PASSWORD, client=HOME, now=now)
        phone, cookie = (known_devices.mint(user=mina, device=None, now=now) for _ in range(2))
        hashing_recorder.open_transactions.clear()
        step, looked_at, hers = timedelta(hours=HOURS) / GUESSES, [], 0

        for number in range(GUESSES):
            moment = now + number * step
            if guess(chance, mina, networks[number % NETWORKS], moment):
                looked_at.append(moment)
            if number % 250 == 100:
                at_home = password_sign_in.sign_in(
                    name="mina@example.com", password=PASSWORD, client=HOME, device_token=phone, now=moment
                )
                travelling = password_sign_in.sign_in(
                    name="mina",
                    password=PASSWORD,
                    device_token=cookie,
                    now=moment,
                    client=ClientContext(ip_address=networks[number % NETWORKS], user_agent="Browser/1.0"),
                )
                assert at_home.tokens
                assert travelling.tokens
                hers += 2
            if number % 1000 == 0:
                attempts.record_expired_locks(now=moment)

        assert hers == 2 * GUESSES // 250
        hour = timedelta(hours=1)
        worst = max(sum(start <= at < start + hour for at in looked_at) for start in looked_at)
        assert 10 <= worst < 20
        # Each guess that was looked at, and nothing else, took a hash.
        assert len(hashing_recorder.open_transactions) == len(looked_at) + hers
        # The locks are few, and gone by themselves.
        later = now + timedelta(hours=HOURS) + timedelta(hours=4)
        attempts.record_expired_locks(now=later)
        begun = events("authentication.locked").count()
        assert begun == events("authentication.lock_expired").count() > 0
        stranger = ClientContext(ip_address="192.0.2.1", user_agent="New/1.0")
        assert password_sign_in.sign_in(name="mina", password=PASSWORD, client=stranger, now=later).tokens
        assert living.tokens

    def test_do_not_touch_living_sessions(self, api):
        UserFactory(username="mina", raw_password=PASSWORD)
        tokens = password_sign_in.sign_in(name="mina", password=PASSWORD, client=HOME, now=timezone.now()).tokens
        for number in range(30):
            answer = api.post(
                "/api/v1/auth/login",
                {"username": "mina", "password": "wrong"},
                format="json",
                REMOTE_ADDR=f"45.0.{number}.7",
            )
            assert answer.status_code in (401, 429)

        assert answer.status_code == 429
        api.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens.access_token}")
        assert api.get("/api/v1/auth/me", REMOTE_ADDR="45.0.1.7").status_code == 200
        api.credentials()
        refreshed = api.post("/api/v1/auth/refresh", {"refresh_token": tokens.refresh_token}, format="json")
        assert refreshed.status_code == 200
        api.credentials(HTTP_AUTHORIZATION=f"Bearer {refreshed.json()['access_token']}")
        assert api.post("/api/v1/auth/logout", {}, format="json").status_code == 204

    def test_at_an_account_that_nobody_has_look_the_same(self, now):
        UserFactory(username="mina", raw_password=PASSWORD)
        seen = {"mina": [], "nobody": []}
        for name, answers in seen.items():
            chance = random.Random(7)
            for number in range(100):
                client = ClientContext(ip_address=chance.choice(bots()), user_agent="Bot/1.0")
                try:
                    password_sign_in.sign_in(
                        name=name, password="wrong", client=client, now=now + number * timedelta(minutes=2)
                    )
                except AttemptsExhausted as refusal:
                    answers.append(refusal.retry_after)
                except CredentialsInvalid:
                    answers.append("wrong")
        assert seen["mina"] == seen["nobody"]

    def test_fill_no_table(self, now):
        """Refused guesses write nothing: the table grows with the checks, which are few."""
        mina = UserFactory(username="mina", raw_password=PASSWORD)
        chance = random.Random(1)
        looked_at = sum(
            guess(chance, mina, address, now + number * timedelta(seconds=1)) for number, address in enumerate(bots())
        )
        assert looked_at < 20
        # One row for each name, and two for each network that was looked at.
        assert SignInFailures.objects.count() <= 2 + 2 * looked_at
