import pytest

from accounts.errors import AttemptsExhausted, CredentialsInvalid
from accounts.services import authentication, operators
from tests.factories.accounts import PASSWORD, UserFactory
from tokens.types import ClientContext

pytestmark = pytest.mark.django_db


class TestSignIn:
    def test_lets_staff_in_and_records_it(self, phone, events):
        user = UserFactory(username="boss", raw_password=PASSWORD, is_staff=True)

        assert operators.sign_in(name="boss@example.com", password=PASSWORD, client=phone) == user
        assert events("admin.login_succeeded").get().actor_id == str(user.pk)

    def test_upgrades_a_hash_that_has_become_too_cheap(self, phone, settings, events):
        user = UserFactory(username="boss", raw_password=PASSWORD, is_staff=True)
        settings.ACCOUNTS = {**settings.ACCOUNTS, "BCRYPT_ROUNDS": 5}

        signed_in = operators.sign_in(name="boss", password=PASSWORD, client=phone)

        user.refresh_from_db()
        assert signed_in.password == user.password
        assert user.password.startswith("bcrypt_sha256$$2b$05$")
        assert events("password.hash_upgraded").count() == 1

    @pytest.mark.parametrize(
        ("details", "password", "reason"),
        [
            (None, PASSWORD, "unknown_name"),
            ({"is_staff": True}, "wrong", "wrong_password"),
            ({"is_staff": True, "is_active": False}, PASSWORD, "disabled"),
            ({}, PASSWORD, "not_staff"),
        ],
    )
    def test_turns_everybody_else_away_alike_and_records_why(self, phone, events, details, password, reason):
        if details is not None:
            UserFactory(username="boss", raw_password=PASSWORD, **details)

        assert operators.sign_in(name="boss", password=password, client=phone) is None
        assert events("admin.login_failed").get().risk_reasons == [reason]

    def test_counts_wrong_passwords_together_with_the_api(self, phone):
        UserFactory(username="boss", raw_password=PASSWORD, is_staff=True)
        for _ in range(3):
            assert operators.sign_in(name="boss", password="wrong", client=phone) is None
        for _ in range(2):
            with pytest.raises(CredentialsInvalid):
                authentication.sign_in(name="boss", password="wrong", client=phone)

        with pytest.raises(AttemptsExhausted):
            operators.sign_in(name="boss", password=PASSWORD, client=phone)

    def test_spares_whoever_has_signed_in_from_there_before(self, phone):
        user = UserFactory(username="boss", raw_password=PASSWORD, is_staff=True)
        operators.sign_in(name="boss", password=PASSWORD, client=phone)
        stranger = ClientContext(ip_address="198.51.100.9", user_agent="Other/1.0")
        for _ in range(5):
            operators.sign_in(name="boss", password="wrong", client=stranger)

        with pytest.raises(AttemptsExhausted):
            operators.sign_in(name="boss", password=PASSWORD, client=stranger)
        assert operators.sign_in(name="boss", password=PASSWORD, client=phone) == user
