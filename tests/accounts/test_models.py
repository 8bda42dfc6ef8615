import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts.models import User
from tests.factories.accounts import PASSWORD, PasswordHistoryFactory, UserFactory

pytestmark = pytest.mark.django_db


class TestUserManager:
    def test_makes_people_for_djangos_own_commands(self):
        user = User.objects.create_user("mina", "Mina@example.com", PASSWORD)

        assert user.email_folded == "mina@example.com"
        assert user.check_password(PASSWORD)

    @pytest.mark.parametrize("email", ["", "root@localhost", "m\u00edna@example.com"])
    def test_creates_no_user_without_an_address(self, email):
        with pytest.raises(ValidationError):
            User.objects.create_user("mina", email, PASSWORD)

    def test_finds_people_by_their_natural_key(self, now):
        user = UserFactory(username="mina")
        UserFactory(username="gone", deleted_at=now)

        assert User.objects.get_by_natural_key("MINA") == user
        with pytest.raises(User.DoesNotExist):
            User.objects.get_by_natural_key("gone")


class TestConstraints:
    @pytest.mark.parametrize(
        "details",
        [
            {"username": "MINA"},
            {"email": "other@example.com", "email_folded": "mina@example.com"},
            {"username": "ab"},
            {"username": "a@b"},
            {"version": 0},
        ],
    )
    def test_hold_in_the_database(self, details):
        UserFactory(username="mina")

        with pytest.raises(IntegrityError), transaction.atomic():
            UserFactory(**details)


class TestStr:
    def test_names_people_and_never_a_password(self):
        row = PasswordHistoryFactory(user=UserFactory(username="mina"))

        assert str(row.user) == "mina"
        assert row.password not in str(row) + repr(row)
