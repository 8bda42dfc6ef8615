import pytest

from accounts.errors import EmailTaken, UsernameTaken
from accounts.services.addresses import uniqueness
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db
CASES = [
    ([{"username": "MINA", "email": "other@example.com"}], UsernameTaken),
    ([{"username": "other", "email": "Mina@example.com"}], EmailTaken),
    ([{"username": "mina", "email": "mina@example.com"}], UsernameTaken),
    ([{"username": "mina", "email": "a@example.com"}, {"username": "b", "email": "mina@example.com"}], UsernameTaken),
]


class TestRequireFree:
    @pytest.mark.parametrize(("taken", "refusal"), CASES)
    def test_refuses_a_taken_name_or_address(self, taken, refusal):
        for details in taken:
            UserFactory(**{**details, "username": details["username"].ljust(3, "_")})

        with pytest.raises(refusal):
            uniqueness.require_free(username="mina", email_folded="mina@example.com")

    def test_accepts_a_free_name_and_address(self):
        UserFactory(username="min", email="min@example.com")

        uniqueness.require_free(username="mina", email_folded="mina@example.com")


class TestIdentifierConflict:
    @pytest.mark.parametrize(("taken", "refusal"), CASES)
    def test_names_what_the_faster_one_has(self, taken, refusal):
        for details in taken:
            UserFactory(**{**details, "username": details["username"].ljust(3, "_")})

        assert type(uniqueness.identifier_conflict(username="mina", email_folded="mina@example.com")) is refusal

    def test_refuses_the_name_when_the_conflicting_row_is_deleted_already(self):
        assert type(uniqueness.identifier_conflict(username="mina", email_folded="mina@example.com")) is UsernameTaken
