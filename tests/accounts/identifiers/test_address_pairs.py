"""Storage, sign-in, delivery, federation and limits agree on which addresses are equal."""

import json

import pytest
from django.db import transaction
from django.test import RequestFactory
from django.utils import timezone

from accounts.errors import CredentialsInvalid, DetailsInvalid, EmailTaken, ProviderAddressUnverified
from accounts.identifiers.names import email_key, fold_email
from accounts.models import User
from accounts.providers.identity import clean_email
from accounts.services.mailing import mail_queue
from accounts.services.sign_in import password_sign_in, registration
from accounts.services.social import joining
from cedrina import rate_limit_hooks
from cedrina.settings import environment
from tests import mailbox
from tests.accounts.address_pairs import ADDRESSES, DIFFERENT, PAIRS, REFUSED, SAME
from tests.factories import social
from tests.factories.accounts import PASSWORD, UserFactory
from tests.peers.mail_server import MailServer
from tokens.types import ClientContext

pytestmark = pytest.mark.attack("ASVS 5.0, 6.3.8; CWE-178; RFC 5891, 5.4")
CLIENT = ClientContext(ip_address="203.0.113.7", user_agent="Test/1")


@pytest.fixture
def open_registration(settings):
    settings.ACCOUNTS = {**settings.ACCOUNTS, "EMAIL_CONFIRMATION": "optional"}


def register(username, email):
    application = registration.RegistrationRequest(username=username, email=email, password=PASSWORD)
    return registration.register(application=application, client=CLIENT, now=timezone.now())


def account_named(email):
    body = json.dumps({"email": email})
    return rate_limit_hooks.account_key(
        RequestFactory().post("/api/v1/auth/login", body, content_type="application/json")
    )


class TestPairs:
    def test_are_two_hundred_at_least_of_every_verdict(self):
        assert len(set(PAIRS)) >= 200
        assert min(sum(pair.verdict == verdict for pair in PAIRS) for verdict in (SAME, DIFFERENT, REFUSED)) >= 50


class TestKeys:
    def test_of_limits_are_the_folded_form_of_what_was_typed(self):
        for pair in PAIRS:
            one, other = account_named(pair.one), account_named(pair.other)
            assert (one, other) == (email_key(pair.one), email_key(pair.other))
            assert one is not None
            assert (other is None) == (pair.verdict == REFUSED), pair
            assert (one == other) == (pair.verdict == SAME), pair

    def test_of_what_is_no_address_are_those_of_none(self):
        keys = {email_key(address) for address in ADDRESSES}
        assert [pair for pair in PAIRS if pair.verdict == REFUSED and fold_email(pair.other) in keys] == []


def contradicted(judge):
    """Return the pairs for which ``judge`` returns a wrong answer. What it stores is rolled back."""
    found = []
    for pair in PAIRS:
        with transaction.atomic():
            verdict = judge(pair)
            transaction.set_rollback(True)
        if verdict != pair.verdict:
            found.append((verdict, pair))
    return found


@pytest.mark.slow
@pytest.mark.django_db
@pytest.mark.usefixtures("open_registration", "empty_queue")
class TestAccounts:
    def test_are_opened_twice_for_two_addresses_alone(self):
        def judge(pair):
            register("one", pair.one)
            try:
                register("other", pair.other)
            except EmailTaken:
                return SAME
            except DetailsInvalid as refusal:
                return REFUSED if [each.code for each in refusal.problems] == ["email_invalid"] else refusal.problems
            assert User.objects.count() == 2
            return DIFFERENT

        assert contradicted(judge) == []

    def test_are_entered_by_every_spelling_of_their_address(self):
        def judge(pair):
            user = UserFactory(email=clean_email(pair.one), raw_password=PASSWORD)
            if "\0" in pair.other:  # such a request is refused before
                return pair.verdict
            try:
                assert (
                    password_sign_in.sign_in(name=pair.other, password=PASSWORD, client=CLIENT, now=timezone.now()).user
                    == user
                )
            except CredentialsInvalid:
                return REFUSED if pair.verdict == REFUSED else DIFFERENT
            return SAME

        assert contradicted(judge) == []

    def test_are_joined_to_a_providers_for_one_address_alone(self, now):
        def judge(pair):
            user = UserFactory(email=clean_email(pair.one), raw_password=PASSWORD)
            identity = social.identity(email=clean_email(pair.other))
            try:
                found = joining.resolve_user(provider=social.provider(), identity=identity, now=now)
            except ProviderAddressUnverified:
                return REFUSED
            return SAME if found == user else DIFFERENT

        assert contradicted(judge) == []


@pytest.mark.slow
@pytest.mark.django_db
@pytest.mark.usefixtures("empty_queue")
class TestMail:
    def test_reaches_one_mailbox_for_one_address_and_two_for_two(self, settings):
        people = {address: UserFactory(email=clean_email(address), email_folded=address) for address in ADDRESSES}
        server = MailServer().start()
        try:
            settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
            sender = environment.load(
                environment.environment_of_test_run() | {"DEFAULT_FROM_EMAIL": "Post <post@stra\u00dfe.de>"}
            )
            settings.DEFAULT_FROM_EMAIL = sender.DEFAULT_FROM_EMAIL
            settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
            for user in people.values():
                mail_queue.enqueue(user_id=user.pk, kind=mail_queue.MailKind.PASSWORD_CHANGED)
            mailbox.work()
            server.wait_for(len(people))
        finally:
            server.stop()

        recipients = {}
        for address, (sender, [recipient]), message in zip(people, server.envelopes, server.accepted, strict=True):
            assert (sender, message["From"]) == ("post@xn--strae-oqa.de", "Post <post@xn--strae-oqa.de>")
            assert recipient.isascii()
            assert message["To"] == recipient
            local, _, domain = recipient.partition("@")
            assert f"{local.lower()}@{domain.lower()}" == email_key(address)
            recipients[address] = (local.lower(), domain.lower())
        for pair in PAIRS:
            if pair.verdict != REFUSED:
                assert (recipients[pair.one] == recipients[pair.other]) == (pair.verdict == SAME), pair
