import base64
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.client_tokens import known_devices
from accounts.models import User
from tests.factories.accounts import UserFactory
from tokens.types import ClientContext


@pytest.fixture
def mina():
    return UserFactory.build(username="mina", password="a stored hash")


def flipped(token, position):
    raw = bytearray(base64.urlsafe_b64decode(token[4:] + "=" * (-len(token[4:]) % 4)))
    raw[position] ^= 1
    return token[:4] + base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class TestRecognise:
    def test_knows_what_was_minted(self, mina, now):
        token = known_devices.mint(user=mina, device=None, now=now)
        device = known_devices.recognise(token, user=mina, now=now)

        assert len(device) == 16
        again = known_devices.mint(user=mina, device=device, now=now + timedelta(days=9))
        assert again != token
        assert known_devices.recognise(again, user=mina, now=now + timedelta(days=9)) == device

    def test_knows_it_for_180_days(self, mina, now):
        token = known_devices.mint(user=mina, device=None, now=now)
        assert known_devices.recognise(token, user=mina, now=now + timedelta(days=179, hours=23))
        assert not known_devices.recognise(token, user=mina, now=now + timedelta(days=180))
        assert not known_devices.recognise(token, user=mina, now=now - timedelta(hours=1))

    def test_knows_it_for_one_person_with_one_password(self, mina, now):
        token = known_devices.mint(user=mina, device=None, now=now)
        other = UserFactory.build(password="a stored hash")
        changed = User(pk=mina.pk, password="another hash")
        for user in (other, changed, None):
            assert known_devices.recognise(token, user=user, now=now) is None

    @pytest.mark.parametrize("position", [0, 15, 16, 19, 20, 35, 36, 43])
    def test_takes_no_token_with_one_bit_changed(self, mina, now, position):
        token = known_devices.mint(user=mina, device=None, now=now)
        assert known_devices.recognise(flipped(token, position), user=mina, now=now) is None

    def test_takes_one_spelling_alone(self, mina, now):
        token = known_devices.mint(user=mina, device=None, now=now)
        for other in (token + "=", token[:-1], " " + token, token.upper(), "cdr_" + token[4:], token + "A"):
            assert known_devices.recognise(other, user=mina, now=now) is None

    def test_goes_on_with_tokens_of_a_former_secret(self, mina, now, settings):
        token = known_devices.mint(user=mina, device=None, now=now)
        settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
        settings.SECRET_KEY = "x" * 50
        assert known_devices.recognise(token, user=mina, now=now)
        settings.SECRET_KEY_FALLBACKS = []
        assert known_devices.recognise(token, user=mina, now=now) is None

    @given(st.one_of(st.text(max_size=80), st.text(alphabet="AB-_cd", min_size=48, max_size=48).map("cdd_".__add__)))
    def test_takes_no_junk(self, junk):
        user = UserFactory.build()
        assert known_devices.recognise(junk, user=user, now=user.email_confirmed_at) is None


class TestDeviceOf:
    def test_is_told_without_knowing_whose_it_is(self, mina, now):
        token = known_devices.mint(user=mina, device=None, now=now)
        assert known_devices.device_id(token) == known_devices.recognise(token, user=mina, now=now)

    @pytest.mark.parametrize("position", [0, 16, 20, 35, 36, 43])
    def test_is_nothing_for_what_was_not_made_here(self, mina, now, position):
        token = known_devices.mint(user=mina, device=None, now=now)
        assert known_devices.device_id(flipped(token, position)) is None
        assert known_devices.device_id("") is None


class TestPlace:
    def test_is_the_neighbourhood_and_the_kind_of_client(self, mina):
        firefox = "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:{0}.0) Gecko/20100101 Firefox/{0}.0"

        def place(address, agent, user=mina, digest="d"):
            return known_devices.client_key(
                user=user, password_digest=digest, client=ClientContext(ip_address=address, user_agent=agent)
            )

        home = place("203.0.113.7", firefox.format(120))
        assert place("203.0.113.200", firefox.format(121)) == home
        assert place("::ffff:203.0.113.9", firefox.format(121)) == home
        assert place("2001:db8:1:2::1", "App/1.0") == place("2001:db8:1:2:f::9", "App/2.1")
        for other in (
            place("203.0.114.7", firefox.format(120)),
            place("203.0.113.7", "curl/8.0"),
            place("203.0.113.7", firefox.format(120), user=UserFactory.build()),
            place("203.0.113.7", firefox.format(120), digest="e"),
        ):
            assert other != home
