"""Registrations and confirmations at the same moment: one account for an address, one holder for a name."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from accounts.client_tokens import known_devices, link_tokens
from accounts.errors import AccountError, MailedTokenInvalid
from accounts.models import MailedTokenPurpose, OutgoingMail, PendingRegistration, User
from accounts.services.administration import administrators
from accounts.services.sign_in import registration, registration_confirmation
from accounts.services.sign_in.registration_confirmation import ConfirmationRequest
from accounts.services.social import joining
from tests.factories import social
from tests.factories.accounts import PASSWORD
from tests.factories.registrations import PendingRegistrationFactory
from tokens.types import ClientContext

ANYWHERE = ClientContext()
HANDS = 8


@pytest.fixture(autouse=True)
def _strict(settings, transactional_db):
    settings.ACCOUNTS = {**settings.ACCOUNTS, "EMAIL_CONFIRMATION": "required"}
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")


def register(number=0, *, username="mina", email=None):
    details = {"username": username, "email": email or f"mina{number}@example.com", "password": PASSWORD}
    return registration.register(
        application=registration.RegistrationRequest(**details), client=ANYWHERE, now=timezone.now()
    )


def confirm(waiting):
    link = link_tokens.parse(link_tokens.mint(purpose=MailedTokenPurpose.OPEN_ACCOUNT, mail_id=waiting.pk))
    token = known_devices.mint(user=waiting, device=None, now=datetime.now(UTC))
    return registration_confirmation.confirm_registration(
        link=link, confirmation=ConfirmationRequest(device_token=token), now=timezone.now()
    )


def holders_of(name):
    """Return how many have a name: accounts and registrations that wait."""
    return sum(model.objects.filter(username__iexact=name).count() for model in (User, PendingRegistration))


def unexpected(outcomes):
    return [each for each in outcomes if isinstance(each, Exception) and not isinstance(each, AccountError)]


class TestOneName:
    def test_is_reserved_for_one_of_simultaneous_registrations(self, at_once):
        outcomes = at_once(*[lambda number=number: register(number) for number in range(HANDS)])

        assert unexpected(outcomes) == []
        assert sum(isinstance(each, PendingRegistration) for each in outcomes) == 1
        assert holders_of("mina") == 1

    def test_goes_to_one_of_a_registration_and_a_sign_in_at_a_provider(self, at_once):
        for number in range(4):
            name = f"mina-{number}"
            identity = social.identity(uid=f"person-{number}", email=f"p{number}@example.com", name=name)
            outcomes = at_once(
                lambda name=name, number=number: register(number, username=name),
                lambda identity=identity: joining.resolve_user(
                    provider=social.provider(), identity=identity, now=timezone.now()
                ),
            )

            assert unexpected(outcomes) == []
            assert holders_of(name) == 1

    def test_goes_to_one_of_a_confirmation_and_another_registration(self, at_once):
        for number in range(4):
            waiting = PendingRegistrationFactory(username=f"mina-{number}", raw_password=PASSWORD)
            name = waiting.username.upper()
            outcomes = at_once(
                lambda waiting=waiting: confirm(waiting),
                *[lambda name=name, other=other: register(other, username=name) for other in range(3)],
            )

            assert unexpected(outcomes) == []
            assert isinstance(outcomes[0], User)
            assert holders_of(name) == 1

    def test_goes_to_the_administrator_whom_an_operator_makes(self, at_once):
        for number in range(4):
            name = f"chief-{number}"
            outcomes = at_once(
                lambda name=name, number=number: register(number, username=name),
                lambda name=name: administrators.create(
                    username=name, email=f"{name}@example.com", password=PASSWORD, now=timezone.now()
                ),
            )

            assert unexpected(outcomes) == []
            assert isinstance(outcomes[1], User)
            assert holders_of(name) == 1


class TestOneAddress:
    def test_gets_one_account_of_simultaneous_confirmations(self, at_once):
        rows = [PendingRegistrationFactory(email="mina@example.com", raw_password=PASSWORD) for _ in range(HANDS)]

        outcomes = at_once(*[lambda row=row: confirm(row) for row in rows])

        assert sum(isinstance(each, User) for each in outcomes) == 1
        assert sum(isinstance(each, MailedTokenInvalid) for each in outcomes) == HANDS - 1
        assert User.objects.get().email == "mina@example.com"

    def test_is_kept_within_bounds_by_registrations_that_meet(self, at_once):
        calls = [lambda number=number: register(username=f"m-{number}", email="m@example.com") for number in range(16)]

        outcomes = at_once(*calls)

        assert unexpected(outcomes) == []
        register(username="the-last", email="m@example.com")
        assert PendingRegistration.objects.count() == registration.MOST_OF_ONE_ADDRESS


class TestOneRegistration:
    @pytest.mark.attack("CWE-400")
    def test_makes_room_while_its_mail_is_being_handed_over(self, at_once):
        """Nobody who registers waits for a mail server."""
        waiting = PendingRegistrationFactory(username="mina", expires_at=datetime.now(UTC) - timedelta(hours=1))
        mail = OutgoingMail.objects.create(
            registration=waiting,
            kind="confirm_registration",
            budget="anybody",
            address=waiting.email,
            recipient=waiting.email_folded,
            created_at=waiting.created_at,
        )
        registered = threading.Event()

        def hand_over():
            with transaction.atomic():
                OutgoingMail.objects.select_for_update().get(pk=mail.pk)
                locked.set()
                return registered.wait(timeout=60)

        def register_anew():
            assert locked.wait(timeout=60)
            outcome = register()
            registered.set()
            return outcome

        locked = threading.Event()
        in_time, outcome = at_once(hand_over, register_anew)

        assert isinstance(outcome, PendingRegistration), outcome
        assert in_time
        assert [each.pk for each in PendingRegistration.objects.all()] == [outcome.pk]

    def test_is_confirmed_once(self, at_once):
        waiting = PendingRegistrationFactory(raw_password=PASSWORD)

        outcomes = at_once(*[lambda: confirm(waiting)] * HANDS)

        assert sum(isinstance(each, User) for each in outcomes) == 1
        assert sum(isinstance(each, MailedTokenInvalid) for each in outcomes) == HANDS - 1
