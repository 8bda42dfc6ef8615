from datetime import UTC, datetime

import pytest
from django.utils import timezone

from accounts.client_tokens import known_devices
from accounts.errors import AttemptsExhausted
from accounts.services.sign_in import known_browsers
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.registrations import PendingRegistrationFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def user():
    return UserFactory(username="mina", raw_password=PASSWORD)


def browser_of(owner):
    return known_devices.mint(user=owner, device=None, now=datetime.now(UTC))


class TestIsKnownBrowser:
    @pytest.mark.parametrize("make", [UserFactory, PendingRegistrationFactory])
    def test_is_one_that_was_given_the_token_of_this_owner_and_password(self, make):
        owner, other = make(raw_password=PASSWORD), make(raw_password=PASSWORD)
        token = browser_of(owner)

        assert known_browsers.is_known_browser(owner=owner, device_token=token, now=timezone.now())
        assert not known_browsers.is_known_browser(owner=other, device_token=token, now=timezone.now())
        owner.password = "!"
        assert not known_browsers.is_known_browser(owner=owner, device_token=token, now=timezone.now())
        assert not known_browsers.is_known_browser(owner=owner, device_token="", now=timezone.now())


class TestIsHolder:
    def ask(self, user, phone, *, password=None, device_token=""):
        return known_browsers.is_account_holder(
            user=user, password=password, device_token=device_token, client=phone, now=timezone.now()
        )

    def test_by_the_browser_or_by_the_password(self, user, phone, bcrypt_computations):
        assert self.ask(user, phone, device_token=browser_of(user))
        assert not self.ask(user, phone)
        assert bcrypt_computations == []
        assert self.ask(user, phone, password=PASSWORD)
        assert not self.ask(user, phone, password="another")
        assert bcrypt_computations == [1, 1]

    @pytest.mark.attack("ASVS 5.0, 6.3.1")
    def test_counts_wrong_passwords_with_those_of_sign_ins(self, user, phone):
        for _ in range(5):
            assert not self.ask(user, phone, password="another")

        with pytest.raises(AttemptsExhausted):
            self.ask(user, phone, password=PASSWORD)

    def test_gives_back_what_was_counted_for_a_right_password(self, user, phone):
        for _ in range(12):
            assert self.ask(user, phone, password=PASSWORD)
