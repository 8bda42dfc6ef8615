import pytest
from django.contrib.auth.hashers import is_password_usable
from django.db import connection
from django.utils import timezone

from accounts.client_tokens.link_tokens import LinkToken
from accounts.importing.hashes import StorableHash, WeakHash
from accounts.importing.parsed_users import ParsedUser
from accounts.models import ImportedPerson, MailedTokenPurpose, OutgoingMail, PendingRegistration, User
from accounts.services.importing import import_storage
from accounts.services.mailing import registration_mail
from accounts.services.sign_in import registration_confirmation
from cedrina_base.uuids import uuid7
from tests.factories.accounts import UserFactory
from tests.factories.registrations import PendingRegistrationFactory

pytestmark = pytest.mark.django_db


def person(number, **more):
    return ParsedUser(
        **{"email": f"p{number}@example.com", "username": f"p-{number}", "external_id": str(number), **more}
    )


def store(people, now):
    passwords, _ = import_storage.encoded_passwords(people=people)
    return import_storage.store(people=people, passwords=passwords, source="shop", now=now)


class TestWithoutKnown:
    def test_leaves_out_users_who_were_imported_before_or_are_listed_twice(self, now):
        ImportedPerson.objects.create(user=UserFactory(), source="shop", external_id="1", imported_at=now)
        ImportedPerson.objects.create(user=UserFactory(), source="other", external_id="2", imported_at=now)
        people = {5: person(1), 6: person(2), 7: person(3), 8: person(3)}

        fresh, known = import_storage.without_known(people=people, source="shop")

        assert (sorted(fresh), known) == ([6, 7], 2)


class TestEncodedPasswords:
    def test_wraps_what_is_weak_at_the_current_cost_and_gives_the_others_theirs(self):
        people = {
            1: person(1, password=StorableHash("bcrypt$x")),
            2: person(2, password=WeakHash("md5::", bytes(16))),
            3: person(3),
        }

        encoded, weak = import_storage.encoded_passwords(people=people)

        assert weak == {2}
        assert encoded[1] == "bcrypt$x"
        assert encoded[2].startswith("wrapped$md5::$$2b$04$")
        assert not is_password_usable(encoded[3])


class TestStore:
    def test_adds_all_of_a_person(self, now):
        outcome = store({2: person(1, full_name="مینا", locale="fa", is_active=False, email_confirmed_at=now)}, now)

        user = User.objects.get()
        assert (outcome.imported, outcome.refused) == (1, {})
        assert (user.full_name, user.locale, user.is_active, user.email_confirmed_at) == ("مینا", "fa", False, now)
        assert (user.is_staff, user.is_superuser, user.tier, user.deleted_at) == (False, False, "free", None)

    def test_passes_over_registrations_that_wait(self, now):
        by_name = PendingRegistrationFactory(username="P-1")
        by_address = PendingRegistrationFactory(email="p1@example.com")
        registration_mail.enqueue_again(address=by_name.email, mail_id=uuid7(), now=timezone.now())

        assert store({1: person(1)}, now).imported == 1

        assert PendingRegistration.objects.get() == by_address
        assert not OutgoingMail.objects.exists()
        assert not registration_confirmation.can_be_confirmed(
            link=LinkToken(by_address.pk, MailedTokenPurpose.OPEN_ACCOUNT, b""), now=timezone.now()
        )

    def test_takes_two_statements_however_many_people_there_are(self, now, django_assert_num_queries):
        UserFactory(username="p-1")
        people = {number: person(number) for number in range(1, 60)}
        with django_assert_num_queries(2):  # those who are in the way are asked for once
            outcome = store(people, now)
        assert (outcome.imported, outcome.refused) == (58, {1: "username_taken"})

    def test_names_the_address_before_the_name(self, now):
        UserFactory(username="p-1", email="p1@example.com")

        assert store({4: person(1)}, now).refused == {4: "email_taken"}

    def test_stores_nothing_for_an_empty_batch(self, now):
        assert store({}, now) == import_storage.BatchResult()


class TestJudge:
    def test_says_what_would_become_of_people(self):
        UserFactory(username="p-1")
        UserFactory(email="p2@example.com")
        people = {
            1: person(1),
            2: person(2),
            3: person(3),
            4: person(4, username="P-3"),
            5: person(5, username="p-1", is_username_derived=True),
        }

        outcome = import_storage.dry_run(people=people, source="shop")

        assert outcome.imported == 2
        assert outcome.refused == {1: "username_taken", 2: "email_taken", 4: "username_taken"}

    def test_keeps_the_position_until_it_is_deleted(self):
        import_storage.dry_run(people={1: person(1)}, source="shop")

        assert import_storage.dry_run(people={2: person(1)}, source="shop").already == 1
        import_storage.drop_dry_run()
        assert import_storage.dry_run(people={2: person(1)}, source="shop").imported == 1
        import_storage.drop_dry_run()
        with connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass('accounts_import_trial')")
            assert cursor.fetchone()[0] is None
