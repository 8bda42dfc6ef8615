import pytest

from accounts import selectors
from tests.factories.accounts import PasswordHistoryFactory, UserFactory

pytestmark = pytest.mark.django_db


class TestUserByIdentifier:
    @pytest.mark.parametrize("name", ["mina", "MINA", "MINA@example.com"])
    def test_finds_an_account_by_name_or_address(self, name):
        user = UserFactory(username="Mina")

        assert selectors.user_by_identifier(name=name) == user

    @pytest.mark.parametrize("name", ["", "min", "mina%", "@", "mina@", "' OR 1=1 --", "x" * 254])
    def test_finds_no_other_account(self, name):
        UserFactory(username="mina")

        assert selectors.user_by_identifier(name=name) is None

    def test_leaves_out_deleted_accounts(self, now):
        UserFactory(username="mina", deleted_at=now)

        assert selectors.user_by_identifier(name="mina") is None

    def test_takes_one_statement(self, django_assert_num_queries):
        UserFactory(username="mina")

        with django_assert_num_queries(1):
            selectors.user_by_identifier(name="mina")


class TestPasswordDigest:
    def test_returns_the_hash_or_nothing(self, now):
        assert selectors.password_digest(user_id=UserFactory(password="!x").pk) == "!x"
        assert selectors.password_digest(user_id=UserFactory(deleted_at=now).pk) == ""


class TestFormerPasswordDigests:
    def test_returns_the_latest_first(self):
        user = UserFactory()
        rows = [PasswordHistoryFactory(user=user, raw_password=str(number)) for number in range(3)]
        PasswordHistoryFactory()

        assert selectors.former_password_digests(user_id=user.pk, count=2) == [rows[2].password, rows[1].password]


class TestIdentifierOwners:
    def test_returns_the_owners_of_the_name_and_of_the_address(self):
        by_name, by_email = UserFactory(username="Mina", email="a@example.com"), UserFactory(email="b@example.com")

        assert selectors.identifier_owners(username="mina", email_folded="b@example.com") == (
            by_name.pk,
            by_email.pk,
        )
        assert selectors.identifier_owners(username="mina", email_folded="c@example.com") == (by_name.pk, None)
        assert selectors.identifier_owners(username="MINA", email_folded="a@example.com") == (
            by_name.pk,
            by_name.pk,
        )
        assert selectors.identifier_owners(username="new", email_folded="c@example.com") == (None, None)


class TestUserById:
    def test_finds_deleted_accounts_too(self, now):
        user = UserFactory(deleted_at=now)

        assert selectors.user_by_id(user_id=str(user.pk)) == user
