import pytest

from accounts.services import operators
from tests.factories.accounts import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db


class TestSignIn:
    def test_lets_staff_in_and_records_it(self, events):
        user = UserFactory(username="boss", raw_password=PASSWORD, is_staff=True)

        assert operators.sign_in(name="boss@example.com", password=PASSWORD) == user
        assert events("admin.login_succeeded").get().actor_id == str(user.pk)

    def test_upgrades_a_hash_that_has_become_too_cheap(self, settings, events):
        user = UserFactory(username="boss", raw_password=PASSWORD, is_staff=True)
        settings.ACCOUNTS = {**settings.ACCOUNTS, "BCRYPT_ROUNDS": 5}

        signed_in = operators.sign_in(name="boss", password=PASSWORD)

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
    def test_turns_everybody_else_away_alike_and_records_why(self, events, details, password, reason):
        if details is not None:
            UserFactory(username="boss", raw_password=PASSWORD, **details)

        assert operators.sign_in(name="boss", password=password) is None
        assert events("admin.login_failed").get().risk_reasons == [reason]
