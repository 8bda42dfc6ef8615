import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.contrib.auth.hashers import check_password
from django.db import connections
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts.errors import DetailsInvalid, EmailTaken, UsernameTaken
from accounts.models import KnownClient, OutgoingMail, PendingRegistration, User
from accounts.services.mailing import registration_mail
from accounts.services.sign_in import registration
from cedrina_base.uuids import uuid7
from tests.accounts.services.interference import Interference
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.registrations import PendingRegistrationFactory
from tokens.models import Session

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_queue")]


def register(phone, **changes):
    details = {"username": "mina", "email": "Mina@example.com", "password": PASSWORD, **changes}
    return registration.register(
        application=registration.RegistrationRequest(**details), client=phone, now=timezone.now()
    )


def codes(error):
    return [(problem.field, problem.code) for problem in error.value.problems]


def jobs():
    return [(job.task_name, job.args["kind"], job.args["user_id"]) for job in ProcrastinateJob.objects.all()]


@pytest.mark.usefixtures("optional_confirmation")
class TestRegister:
    def test_opens_an_account_with_a_session(self, phone, events):
        signed_in = register(phone, full_name="Mina Karimi", locale="fa")

        user = User.objects.get()
        assert signed_in.user == user
        assert (user.username, user.email, user.email_folded) == ("mina", "Mina@example.com", "mina@example.com")
        assert (user.full_name, user.locale, user.version) == ("Mina Karimi", "fa", 1)
        assert not user.is_email_confirmed
        assert user.check_password(PASSWORD)
        assert Session.objects.get().id == signed_in.tokens.session_id
        assert events("account.registered").get().target_id == str(user.pk)
        assert events("session.created").count() == 1
        assert KnownClient.objects.count() == 1
        assert jobs() == [("accounts.send_mail", "confirm_email", str(user.pk))]

    @pytest.mark.parametrize("username", ["mina", "MINA"])
    def test_refuses_a_taken_username_in_any_case(self, phone, username):
        UserFactory(username="Mina", email="other@example.com")

        with pytest.raises(UsernameTaken):
            register(phone, username=username)

    @pytest.mark.parametrize("email", ["mina@example.com", "MINA@EXAMPLE.COM", "mIna@example.com"])
    def test_refuses_a_taken_address_in_any_case(self, phone, email):
        UserFactory(username="other", email="mina@example.com")

        with pytest.raises(EmailTaken):
            register(phone, email=email)

    def test_counts_deleted_people_until_they_are_erased(self, phone, now):
        UserFactory(username="mina", email="other@example.com", deleted_at=now)

        with pytest.raises(UsernameTaken):
            register(phone)

    @pytest.mark.parametrize(
        ("changes", "problem"),
        [
            ({"username": "mi"}, ("username", "username_invalid")),
            ({"username": "mina@example.com"}, ("username", "username_invalid")),
            ({"username": "mína"}, ("username", "username_invalid")),
            ({"username": "mina\n"}, ("username", "username_invalid")),
            ({"username": "Admin"}, ("username", "username_reserved")),
            ({"username": "Cedrina"}, ("username", "username_reserved")),
            ({"email": "mina"}, ("email", "email_invalid")),
            ({"password": "short"}, ("password", "password_too_short")),
        ],
    )
    def test_names_what_is_wrong(self, phone, changes, problem):
        with pytest.raises(DetailsInvalid) as error:
            register(phone, **changes)

        assert codes(error) == [problem]
        assert not User.objects.exists()

    @pytest.mark.attack("CWE-451")
    @pytest.mark.parametrize("username", ["acmeid", "Acme-ID", "ACME_id", "cedrina"])
    def test_keeps_the_name_of_the_installation_for_its_operator(self, phone, settings, username):
        settings.ACCOUNTS = {**settings.ACCOUNTS, "TOTP_ISSUER": "Acme ID", "RESERVED_USERNAMES": ("cedrina",)}
        with pytest.raises(DetailsInvalid) as error:
            register(phone, username=username)

        assert codes(error) == [("username", "username_reserved")]

    def test_names_everything_that_is_wrong_at_once(self, phone):
        with pytest.raises(DetailsInvalid) as error:
            register(phone, username="root", email="x", password="aaaaaaaaaaaaa")

        assert codes(error) == [
            ("username", "username_reserved"),
            ("email", "email_invalid"),
            ("password", "password_too_weak"),
        ]

    @pytest.mark.parametrize(
        ("rival", "refusal"),
        [
            ({"username": "MINA", "email": "other@example.com"}, UsernameTaken),
            ({"username": "other", "email": "mina@example.com"}, EmailTaken),
        ],
    )
    def test_says_who_was_faster_while_the_hash_was_computed(self, phone, settings, rival, refusal):
        Interference.change = lambda: UserFactory(**rival)
        settings.ACCOUNTS = {**settings.ACCOUNTS, "WHILE_HASHING": "tests.accounts.services.interference.Interference"}

        with pytest.raises(refusal):
            register(phone)

        assert User.objects.count() == 1
        assert not Session.objects.exists()


@pytest.mark.usefixtures("required_confirmation")
class TestRegisterWhereAddressesAreConfirmed:
    def test_opens_no_account_and_leaves_the_mail_to_the_worker(self, phone, events):
        waiting = register(phone, full_name="Mina Karimi", locale="fa")

        assert not User.objects.exists()
        stored = PendingRegistration.objects.get()
        assert stored == waiting
        assert (stored.username, stored.email, stored.email_folded) == ("mina", "Mina@example.com", "mina@example.com")
        assert (stored.full_name, stored.locale) == ("Mina Karimi", "fa")
        assert check_password(PASSWORD, stored.password)
        assert stored.expires_at - stored.created_at == timedelta(days=1)
        (job,) = ProcrastinateJob.objects.all()
        assert (job.task_name, job.args) == ("accounts.answer_registration", {"registration_id": str(stored.pk)})
        event = events("account.registration_requested").get()
        assert "mina" not in str(vars(event)).lower()

    def test_asks_nothing_that_depends_on_whether_the_address_has_an_account(self, phone):
        UserFactory(username="other", email="mina@example.com")

        waiting = register(phone)

        assert PendingRegistration.objects.get() == waiting
        assert User.objects.count() == 1

    @pytest.mark.parametrize("username", ["mina", "MINA"])
    @pytest.mark.parametrize("make", [UserFactory, PendingRegistrationFactory])
    def test_refuses_a_taken_username_whether_or_not_the_address_is_taken(self, phone, username, make):
        make(username="Mina", email="somebody@example.com")
        UserFactory(username="other", email="mina@example.com")

        for email in ("mina@example.com", "new@example.com"):
            with pytest.raises(UsernameTaken):
                register(phone, username=username, email=email)
        assert not ProcrastinateJob.objects.exists()

    @pytest.mark.parametrize("make", [UserFactory, PendingRegistrationFactory])
    def test_refuses_the_name_that_somebody_took_while_the_hash_was_computed(self, phone, settings, make):
        Interference.change = lambda: make(username="mina", email="mina@example.com")
        settings.ACCOUNTS = {**settings.ACCOUNTS, "WHILE_HASHING": "tests.accounts.services.interference.Interference"}

        with pytest.raises(UsernameTaken):
            register(phone)

        assert not ProcrastinateJob.objects.exists()

    def test_takes_the_name_of_a_registration_that_has_expired(self, phone, now):
        expired = PendingRegistrationFactory(username="Mina", created_at=now - timedelta(days=2))
        registration_mail.enqueue_again(address=expired.email, mail_id=uuid7(), now=now - timedelta(days=1, hours=1))
        assert OutgoingMail.objects.exists()

        waiting = register(phone)

        assert PendingRegistration.objects.get() == waiting
        assert not OutgoingMail.objects.exists()

    def test_keeps_the_latest_registrations_of_an_address_alone(self, phone):
        for number in range(registration.MOST_OF_ONE_ADDRESS + 2):
            register(phone, username=f"mina-{number}")

        names = PendingRegistration.objects.order_by("created_at").values_list("username", flat=True)
        assert list(names) == [f"mina-{number}" for number in range(2, registration.MOST_OF_ONE_ADDRESS + 2)]


@pytest.mark.usefixtures("optional_confirmation")
class TestRegisterBesideARegistrationThatWaits:
    def test_refuses_its_name(self, phone, settings):
        PendingRegistrationFactory(username="mina")

        with pytest.raises(UsernameTaken):
            register(phone)

    def test_refuses_its_name_that_was_taken_while_the_hash_was_computed(self, phone, settings):
        Interference.change = lambda: PendingRegistrationFactory(username="mina")
        settings.ACCOUNTS = {**settings.ACCOUNTS, "WHILE_HASHING": "tests.accounts.services.interference.Interference"}

        with pytest.raises(UsernameTaken):
            register(phone)
        assert not User.objects.exists()

    def test_takes_its_address(self, phone):
        PendingRegistrationFactory(username="other", email="mina@example.com")

        assert register(phone).user == User.objects.get()


@pytest.mark.django_db(transaction=True)
class TestRegisterAtTheDatabase:
    @pytest.mark.usefixtures("required_confirmation")
    def test_does_the_same_work_for_free_and_for_taken_addresses(self, phone, counted, hashing_recorder, settings):
        settings.ACCOUNTS = {**settings.ACCOUNTS, "EMAIL_CONFIRMATION": "required"}
        UserFactory(username="other", email="taken@example.com")
        work = []
        for username, email in (("first", "taken@example.com"), ("second", "free@example.com")):
            hashing_recorder.open_transactions.clear()
            with counted() as statements:
                register(phone, username=username, email=email)
            kinds = [statement.split("(")[0][:30] for statement in statements.sql]
            work.append((kinds, list(hashing_recorder.open_transactions)))

        assert work[0] == work[1]
        assert len(work[0][0]) == 8
        assert work[0][1] == [False]

    @pytest.mark.usefixtures("optional_confirmation")
    @pytest.mark.parametrize(
        "details",
        [
            lambda number: {"username": "mina", "email": f"mina{number}@example.com"},
            lambda number: {"username": f"mina{number}", "email": "mina@example.com"},
            lambda _number: {"username": "mina", "email": "mina@example.com"},
        ],
    )
    def test_lets_one_of_simultaneous_registrations_win(self, phone, details):
        barrier = threading.Barrier(8)

        def one(number):
            try:
                barrier.wait(timeout=60)
                return type(register(phone, **details(number))).__name__
            except (UsernameTaken, EmailTaken) as refusal:
                return refusal.code
            finally:
                connections.close_all()

        with ThreadPoolExecutor(8) as pool:
            outcomes = Counter(pool.map(one, range(8)))
        assert outcomes.pop("SignedIn") == 1
        assert set(outcomes) <= {"username_taken", "email_taken"}
        assert User.objects.count() == 1
