import pytest
from django.utils import timezone

from accounts.errors import DetailsInvalid, EmailTaken, UsernameTaken
from accounts.models import PendingRegistration, User
from accounts.services.administration import administrators
from tests.accounts.services.interference import Interference
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.registrations import PendingRegistrationFactory

pytestmark = pytest.mark.django_db


def create(**changes):
    return administrators.create(
        **{
            "username": "admin",
            "email": "admin@example.com",
            "password": PASSWORD,
            "now": timezone.now(),
            **changes,
        }
    )


class TestCreate:
    def test_makes_a_confirmed_administrator_even_under_a_reserved_name(self, events):
        create()

        user = User.objects.get()
        assert user.is_superuser
        assert user.is_staff
        assert user.is_email_confirmed
        assert user.check_password(PASSWORD)
        assert events("account.admin_created").get().target_id == str(user.pk)

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"username": "a"}, "username_invalid"),
            ({"email": "nobody"}, "email_invalid"),
            ({"password": "short"}, "password_too_short"),
        ],
    )
    def test_applies_the_same_rules_as_to_all_users(self, changes, code):
        with pytest.raises(DetailsInvalid) as error:
            create(**changes)

        assert [problem.code for problem in error.value.problems] == [code]

    @pytest.mark.parametrize(
        ("taken", "refusal"),
        [({"username": "Admin"}, UsernameTaken), ({"email": "ADMIN@example.com"}, EmailTaken)],
    )
    def test_refuses_what_is_taken(self, taken, refusal):
        UserFactory(**taken)

        with pytest.raises(refusal):
            create()

    def test_ignores_pending_registrations(self):
        PendingRegistrationFactory(username="ADMIN")
        by_address = PendingRegistrationFactory(email="admin@example.com")

        assert create() == User.objects.get()
        assert PendingRegistration.objects.get() == by_address

    def test_refuses_a_name_that_was_taken_while_the_hash_was_computed(self, settings):
        Interference.change = lambda: UserFactory(email="admin@example.com")
        settings.ACCOUNTS = {**settings.ACCOUNTS, "WHILE_HASHING": "tests.accounts.services.interference.Interference"}

        with pytest.raises(EmailTaken):
            create()
