from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.hashers import is_password_usable
from django.db.models import F
from django.utils import timezone

from accounts.client_tokens import known_devices, link_tokens
from accounts.errors import DetailsInvalid, MailedTokenInvalid, UsernameTaken
from accounts.models import KnownClient, MailedTokenPurpose, OutgoingMail, PendingRegistration, User
from accounts.services.addresses import address_confirmation
from accounts.services.mailing import registration_mail
from accounts.services.passwords import password_reset
from accounts.services.sign_in import password_sign_in, registration_confirmation
from accounts.services.sign_in.registration_confirmation import ConfirmationRequest
from cedrina_base.uuids import uuid7
from tests import mailbox
from tests.accounts.services.interference import Interference
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.registrations import PendingRegistrationFactory
from tokens.types import ClientContext

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_queue")]
NEW = "copper lantern seven owls"


@pytest.fixture
def waiting():
    return PendingRegistrationFactory(username="mina", email="Mina@example.com", raw_password=PASSWORD, full_name="M")


def link_of(registration):
    return link_tokens.parse(link_tokens.mint(purpose=MailedTokenPurpose.OPEN_ACCOUNT, mail_id=registration.pk))


def browser_of(registration, **members):
    token = known_devices.mint(user=registration, device=None, now=datetime.now(UTC))
    return ConfirmationRequest(device_token=token, **members)


class TestIsWaiting:
    def test_until_it_is_confirmed_or_expires_or_the_address_has_an_account(self, waiting):
        other, late = PendingRegistrationFactory(), PendingRegistrationFactory()
        UserFactory(email=other.email)

        assert registration_confirmation.can_be_confirmed(link=link_of(waiting), now=timezone.now())
        assert not registration_confirmation.can_be_confirmed(link=link_of(other), now=timezone.now())
        assert not registration_confirmation.can_be_confirmed(link=link_of(late), now=late.expires_at)
        registration_confirmation.confirm_registration(
            link=link_of(waiting), confirmation=ConfirmationRequest(), now=timezone.now()
        )
        assert not registration_confirmation.can_be_confirmed(link=link_of(waiting), now=timezone.now())


class TestOpenAccount:
    def test_makes_an_account_of_what_was_registered(self, waiting, events, phone):
        user = registration_confirmation.confirm_registration(
            link=link_of(waiting), confirmation=browser_of(waiting, client=phone), now=timezone.now()
        )

        stored = User.objects.get()
        assert (user, stored.pk) == (stored, waiting.pk)
        assert (stored.username, stored.email, stored.email_folded) == ("mina", "Mina@example.com", "mina@example.com")
        assert (stored.full_name, stored.password, stored.version) == ("M", waiting.password, 1)
        assert stored.is_email_confirmed
        assert not PendingRegistration.objects.exists()
        assert events("account.registered").get().target_id == str(stored.pk)
        assert events("email.confirmed").count() == 1
        assert KnownClient.objects.count() == 1
        assert mailbox.queued() == []

    def test_lets_the_browser_that_registered_be_known_from_then_on(self, waiting):
        browser = browser_of(waiting)

        user = registration_confirmation.confirm_registration(
            link=link_of(waiting), confirmation=browser, now=timezone.now()
        )

        assert known_devices.recognise(browser.device_token, user=user, now=datetime.now(UTC))

    @pytest.mark.attack("Pre-hijacked accounts, 4.1; CWE-287")
    def test_drops_the_password_of_the_registration_in_another_browser(self, waiting, phone):
        user = registration_confirmation.confirm_registration(
            link=link_of(waiting), confirmation=ConfirmationRequest(), now=timezone.now()
        )

        assert not is_password_usable(user.password)
        with pytest.raises(password_sign_in.CredentialsInvalid):
            password_sign_in.sign_in(name="mina", password=PASSWORD, client=phone, now=timezone.now())
        (message,) = mailbox.work()
        assert (message.to, message.subject) == (["Mina@example.com"], "Choose a password for your account")
        password_reset.reset(
            token=mailbox.token_in(message), new_password=NEW, client=ClientContext(), now=timezone.now()
        )
        assert User.objects.get().check_password(NEW)

    def test_takes_the_password_that_is_chosen_now(self, waiting):
        for confirmation in (ConfirmationRequest(password=NEW), browser_of(waiting, password=NEW)):
            user = registration_confirmation.confirm_registration(
                link=link_of(waiting), confirmation=confirmation, now=timezone.now()
            )
            assert user.check_password(NEW)
            user.delete()
            waiting.save(force_insert=True)

    def test_refuses_a_weak_password_and_leaves_the_link_good(self, waiting):
        with pytest.raises(DetailsInvalid) as refusal:
            registration_confirmation.confirm_registration(
                link=link_of(waiting), confirmation=ConfirmationRequest(password="aaaaaaaaaaaaa"), now=timezone.now()
            )

        assert [(found.field, found.code) for found in refusal.value.problems] == [("password", "password_too_weak")]
        assert registration_confirmation.can_be_confirmed(link=link_of(waiting), now=timezone.now())

    def test_asks_for_a_password_in_the_browser(self, waiting):
        with pytest.raises(DetailsInvalid) as refusal:
            registration_confirmation.confirm_registration(
                link=link_of(waiting), confirmation=ConfirmationRequest(must_choose=True), now=timezone.now()
            )

        assert [(found.field, found.code) for found in refusal.value.problems] == [("password", "required")]
        assert registration_confirmation.confirm_registration(
            link=link_of(waiting), confirmation=browser_of(waiting, must_choose=True), now=timezone.now()
        )

    def test_works_once_and_until_the_end(self, waiting, events):
        late = PendingRegistrationFactory()
        registration_confirmation.confirm_registration(
            link=link_of(waiting), confirmation=ConfirmationRequest(), now=timezone.now()
        )

        with pytest.raises(MailedTokenInvalid):
            registration_confirmation.confirm_registration(
                link=link_of(waiting), confirmation=ConfirmationRequest(), now=timezone.now()
            )
        with pytest.raises(MailedTokenInvalid):
            registration_confirmation.confirm_registration(
                link=link_of(late), confirmation=ConfirmationRequest(), now=late.expires_at
            )
        assert events("email.token_refused").count() == 2

    def test_gives_an_address_to_the_first_of_its_registrations(self, waiting):
        other = PendingRegistrationFactory(email="mina@example.com")
        registration_confirmation.confirm_registration(
            link=link_of(other), confirmation=ConfirmationRequest(), now=timezone.now()
        )

        with pytest.raises(MailedTokenInvalid):
            registration_confirmation.confirm_registration(
                link=link_of(waiting), confirmation=browser_of(waiting), now=timezone.now()
            )

        assert User.objects.get().username == other.username
        # It stays until its end, so that whoever made it can't tell.
        assert PendingRegistration.objects.get() == waiting

    def test_refuses_a_link_that_was_used_while_the_hash_was_computed(self, waiting, settings):
        Interference.change = lambda: registration_confirmation.confirm_registration(
            link=link_of(waiting), confirmation=ConfirmationRequest(), now=timezone.now()
        )
        settings.ACCOUNTS = {**settings.ACCOUNTS, "WHILE_HASHING": "tests.accounts.services.interference.Interference"}

        with pytest.raises(MailedTokenInvalid):
            registration_confirmation.confirm_registration(
                link=link_of(waiting), confirmation=ConfirmationRequest(password=NEW), now=timezone.now()
            )
        assert not is_password_usable(User.objects.get().password)

    def test_refuses_a_name_that_an_import_took(self, waiting):
        UserFactory(username="MINA", email="other@example.com")

        with pytest.raises(UsernameTaken):
            registration_confirmation.confirm_registration(
                link=link_of(waiting), confirmation=ConfirmationRequest(), now=timezone.now()
            )
        assert PendingRegistration.objects.exists()

    def test_gives_the_account_its_mail(self, waiting):
        registration_mail.enqueue(registration_id=waiting.pk, now=timezone.now())
        (message,) = mailbox.work()

        outcome = address_confirmation.confirm(token=mailbox.token_in(message), now=timezone.now())

        assert outcome is address_confirmation.ConfirmationOutcome.CONFIRMED_WITHOUT_PASSWORD
        assert set(OutgoingMail.objects.values_list("user_id", "registration_id")) == {(waiting.pk, None)}

    def test_sends_no_link_any_more_that_was_asked_for_before(self, waiting):
        registration_mail.enqueue(registration_id=waiting.pk, now=timezone.now())
        (message,) = mailbox.work()
        OutgoingMail.objects.update(started_at=F("started_at") - timedelta(minutes=2))
        registration_mail.enqueue_again(address=waiting.email, mail_id=uuid7(), now=timezone.now())

        address_confirmation.confirm(token=mailbox.token_in(message), now=timezone.now())

        assert [message.subject for message in mailbox.work()] == ["Choose a password for your account"]
        assert OutgoingMail.objects.get(kind="confirm_registration", sent_at=None).drop_reason == "confirmed"
