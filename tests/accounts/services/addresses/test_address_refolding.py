"""Addresses stored by the former rule: compared by casefold(), mailed to by IDNA2003."""

import io
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout
from hashlib import sha256
from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection, transaction
from django.utils import timezone

from accounts.errors import CredentialsInvalid
from accounts.identifiers.names import ascii_email, email_key, held_key
from accounts.models import ImportedPerson, MailedTokenPurpose, OutgoingMail, User
from accounts.services.addresses import address_change, address_confirmation, address_refolding
from accounts.services.addresses.address_refolding import HoldReason, former_fold
from accounts.services.mailing import mail_queue, mail_requests, mailed_tokens
from accounts.services.sign_in import password_sign_in
from accounts.services.sign_in.registration_confirmation import ConfirmationRequest
from accounts.services.social import joining
from cedrina_base.uuids import uuid7
from tests import mailbox
from tests.factories import social
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.tokens import open_session
from tokens.types import ClientContext

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_queue")]
CLIENT = ClientContext(ip_address="203.0.113.7", user_agent="Test/1")
SHARP, DOUBLE = "ada@stra\u00dfe.de", "ada@strasse.de"
MUNICH, MUNICH_KEY = "Ada@m\u00fcnchen.de", "ada@xn--mnchen-3ya.de"


def planted(email, **members):
    """Store an account as former versions did."""
    defaults = {"email_folded": former_fold(email), "raw_password": PASSWORD}
    return UserFactory(email=email, **defaults | members)


def key_of(user):
    return User.objects.values_list("email_folded", flat=True).get(pk=user.pk)


def is_held(user):
    return key_of(user) == held_key(user.pk)


def sign_in(name):
    return password_sign_in.sign_in(name=name, password=PASSWORD, client=CLIENT, now=timezone.now()).user


def token_for(user, *, purpose, address):
    mail_id = uuid7()
    token = mailed_tokens.issue(mail_id=mail_id, user=user, purpose=purpose, address=address, now=timezone.now())
    return token, purpose


def is_usable(token):
    return mailed_tokens.is_usable(presented=token[0], purposes=(token[1],), now=timezone.now())


class TestRefold:
    def test_gives_what_always_reached_one_mailbox_todays_form(self):
        user = planted(MUNICH)
        same = planted("bea@example.com")

        result = address_refolding.refold()

        assert (result.refolded, result.held) == (1, {})
        assert key_of(user) == MUNICH_KEY
        assert key_of(same) == "bea@example.com"
        assert sign_in("ADA@M\u00dcNCHEN.de") == user
        assert User.objects.get(pk=user.pk).is_email_confirmed

    @pytest.mark.attack("CWE-178")
    @pytest.mark.parametrize(
        ("email", "reason"),
        [
            (SHARP, HoldReason.DOMAIN_CHANGED),
            ("ada@\u03bb\u03cc\u03b3\u03bf\u03c2.gr", HoldReason.DOMAIN_CHANGED),
            ("\u017fam@example.com", HoldReason.LOCAL_PART),
            ("m\u00edna@example.com", HoldReason.LOCAL_PART),
            ("\u212aate@m\u00fcnchen.de", HoldReason.LOCAL_PART),
            ("ada@\u2603.net", HoldReason.DOMAIN_INVALID),
            ("ada@stra\u1e9ee.de", HoldReason.DOMAIN_INVALID),
            ("m\u00edna@\u2603.net", HoldReason.DOMAIN_INVALID),
        ],
    )
    def test_puts_on_hold_what_nobody_can_decide(self, email, reason):
        user = planted(email)

        result = address_refolding.refold()

        assert (result.refolded, result.held) == (0, {user.pk: reason})
        assert is_held(user)
        assert list(address_refolding.held_addresses(most=10)) == [
            address_refolding.HeldAddress(user.pk, user.username, email, reason)
        ]
        stored = User.objects.get(pk=user.pk)
        assert (stored.email, stored.is_email_confirmed, stored.version) == (email, False, user.version + 1)

    def test_changes_nothing_when_it_runs_again(self):
        planted(MUNICH)
        planted(SHARP)
        address_refolding.refold()
        before = list(User.objects.order_by("pk").values())

        result = address_refolding.refold()

        assert (result.refolded, result.held, result.withdrawn) == (0, {}, 0)
        assert list(User.objects.order_by("pk").values()) == before

    def test_leaves_alone_who_came_by_todays_rule(self):
        user = UserFactory(email=SHARP)
        assert address_refolding.refold(is_first=True).held == {}
        assert key_of(user) == email_key(SHARP)

    def test_leaves_what_is_ascii_as_it_is(self):
        user = planted("root@localhost")
        assert address_refolding.refold().held == {}
        assert key_of(user) == "root@localhost"

    def test_refolds_where_nothing_could_ever_be_sent(self):
        email = "ada@\u05d0\u05d11.com"
        with pytest.raises(UnicodeError):
            email.rpartition("@")[2].encode("idna")
        user = planted(email)

        assert address_refolding.refold().refolded == 1

        assert key_of(user) == "ada@xn--1-zhcd.com"

    def test_lets_whoever_has_a_form_keep_it_and_holds_the_others(self):
        theirs = planted("Ada@XN--MNCHEN-3YA.de")
        oldest = planted("bea@m\u00fcnchen.de")
        younger = planted("bea@mu\u0308nchen.de", email_folded="bea@by hand")
        ada = planted(MUNICH)

        result = address_refolding.refold()

        assert [key_of(each) for each in (theirs, oldest)] == [MUNICH_KEY, "bea@xn--mnchen-3ya.de"]
        assert result.held == {younger.pk: HoldReason.TAKEN, ada.pk: HoldReason.TAKEN}
        assert {each.reason for each in address_refolding.held_addresses(most=10)} == {HoldReason.TAKEN}
        assert User.objects.count() == 4

    def test_works_in_batches_of_which_each_counts(self):
        people = [planted(f"person{number}@m\u00fcnchen.de") for number in range(7)]
        doubtful = [planted(f"person{number}@stra\u00dfe.de") for number in range(4)]

        result = address_refolding.refold(batch=3)

        assert (result.refolded, len(result.held)) == (7, 4)
        assert all(key_of(user) == email_key(user.email) for user in people)
        assert all(is_held(user) for user in doubtful)

    def test_of_a_trial_changes_nothing(self):
        people = [planted(MUNICH), planted(SHARP)]

        result = address_refolding.refold(is_trial=True)

        assert (result.refolded, result.held) == (1, {people[1].pk: HoldReason.DOMAIN_CHANGED})
        assert [key_of(user) for user in people] == [former_fold(MUNICH), DOUBLE]

    def test_knows_imported_people_again(self, now):
        user = planted(MUNICH)
        digests = [f"address:{sha256(key.encode()).hexdigest()}" for key in (former_fold(MUNICH), MUNICH_KEY)]
        ImportedPerson.objects.create(user=user, source="old", external_id=digests[0], imported_at=now)

        address_refolding.refold()

        assert ImportedPerson.objects.get().external_id == digests[1]

    @pytest.mark.django_db(transaction=True)
    def test_holds_what_somebody_registers_at_the_same_moment(self):
        user = planted(MUNICH)
        is_there, may_commit = threading.Event(), threading.Event()

        def register():
            try:
                with transaction.atomic():
                    UserFactory(email="ada@m\u00fcnchen.de")
                    is_there.set()
                    assert may_commit.wait(60)
            finally:
                connection.close()

        def refold():
            try:
                return address_refolding.refold()
            finally:
                connection.close()

        with ThreadPoolExecutor(2) as pool:
            registered = pool.submit(register)
            assert is_there.wait(60)
            refolded = pool.submit(refold)
            wait_until_somebody_waits()
            may_commit.set()
            registered.result()
            assert refolded.result().held == {user.pk: HoldReason.TAKEN}


def wait_until_somebody_waits():
    deadline = time.monotonic() + 60
    with connection.cursor() as cursor:
        while True:
            # Of this database alone: others on the same server wait for each other, too.
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                "AND wait_event_type = 'Lock' AND wait_event = 'transactionid'"
            )
            if cursor.fetchone()[0]:
                return
            assert time.monotonic() < deadline
            time.sleep(0.05)


class TestCountOutdated:
    def test_counts_what_is_not_by_todays_rule(self):
        planted(MUNICH)
        planted(SHARP)
        UserFactory(email="bea@stra\u00dfe.de")
        UserFactory()
        assert (address_refolding.count_outdated(), address_refolding.count_held()) == (2, 0)

        address_refolding.refold()

        assert (address_refolding.count_outdated(), address_refolding.count_held()) == (0, 1)


@pytest.mark.attack("CWE-178; ASVS 5.0, 6.4.3")
class TestHold:
    @pytest.fixture(params=[SHARP, "\u017fam@example.com"])
    def held(self, request):
        """An account whose address is on hold, and the address that the former rule considered equal."""
        user = planted(request.param)
        self.former = former_fold(request.param)
        address_refolding.refold(is_first=True)
        return User.objects.get(pk=user.pk)

    def test_leaves_the_account_to_its_owner(self, held, settings):
        settings.ACCOUNTS = {**settings.ACCOUNTS, "EMAIL_CONFIRMATION": "required"}
        assert sign_in(held.username) == held

    def test_lets_nobody_in_by_address(self, held):
        for name in (held.email, self.former, held.email_folded, f"{held.email_folded}@"):
            with pytest.raises(CredentialsInvalid):
                sign_in(name)

    def test_gives_the_account_to_no_owner_of_either_address(self, held, now):
        for uid, email in (("a", SHARP), ("b", DOUBLE), ("c", "sam@example.com")):
            identity = social.identity(uid=uid, email=email)
            assert joining.resolve_user(provider=social.provider(), identity=identity, now=now) != held

    def test_sends_nothing_to_the_address(self, held):
        for address in (SHARP, DOUBLE, self.former):
            mail_requests.submit(requested=mail_requests.RequestedMail.RESET, email=address, now=timezone.now())
        mail_queue.enqueue(user_id=held.pk, kind=mail_queue.MailKind.NEW_DEVICE)
        mail_queue.enqueue(user_id=held.pk, kind=mail_queue.MailKind.EMAIL_CHANGED, address=held.email)

        assert mailbox.work() == []

    @pytest.mark.parametrize("email", ["new@example.com", SHARP])
    def test_ends_with_an_address_that_the_owner_asks_for_and_confirms(self, held, email):
        session_id = open_session(user=held).session_id
        address_change.request(user=held, session_id=session_id, email=email, password=PASSWORD, now=timezone.now())
        (message,) = mailbox.work()
        assert message.to == [ascii_email(email)]

        address_confirmation.confirm(
            token=mailbox.token_in(message), confirmation=ConfirmationRequest(password=PASSWORD), now=timezone.now()
        )

        stored = User.objects.get(pk=held.pk)
        assert (stored.email, stored.email_folded, stored.is_email_confirmed) == (email, email_key(email), True)
        assert mailbox.work() == []


@pytest.mark.attack("CWE-178")
class TestLinks:
    """A mail to a doubtful address may have arrived in the mailbox of another person."""

    def test_to_doubtful_addresses_are_worth_nothing_any_more(self):
        held, other = planted(SHARP), UserFactory()
        doubtful = [
            token_for(held, purpose=MailedTokenPurpose.RESET_PASSWORD, address=SHARP),
            token_for(held, purpose=MailedTokenPurpose.DISOWN, address=SHARP),
            token_for(other, purpose=MailedTokenPurpose.CHANGE_EMAIL, address=SHARP),
            token_for(other, purpose=MailedTokenPurpose.DISOWN, address="\u017fam@example.com"),
        ]
        good = [
            token_for(other, purpose=MailedTokenPurpose.RESET_PASSWORD, address=other.email),
            token_for(other, purpose=MailedTokenPurpose.DISOWN, address="bea@m\u00fcnchen.de"),
        ]
        assert all(map(is_usable, doubtful + good))

        assert address_refolding.refold(is_first=True).withdrawn == 4

        assert not any(map(is_usable, doubtful))
        assert all(map(is_usable, good))

    def test_mailed_by_todays_rule_stay(self):
        user = UserFactory(email=SHARP)
        token = token_for(user, purpose=MailedTokenPurpose.RESET_PASSWORD, address=SHARP)

        assert address_refolding.refold().withdrawn == 0

        assert is_usable(token)

    def test_that_wait_to_be_sent_are_given_up(self):
        mail_queue.enqueue(user_id=planted(SHARP).pk, kind=mail_queue.MailKind.RESET_PASSWORD)
        mail_queue.enqueue(user_id=UserFactory().pk, kind=mail_queue.MailKind.RESET_PASSWORD)

        address_refolding.refold()

        assert len(mailbox.work()) == 1
        assert OutgoingMail.objects.get(drop_reason="address_on_hold").address == SHARP


class TestConnections:
    def test_that_two_addresses_made_one_are_named(self, now):
        joined, linked, plain = planted(DOUBLE), planted("cem@example.com"), planted(MUNICH)
        for user, uid, email in (
            (joined, "1", SHARP),
            (joined, "2", DOUBLE),
            (linked, "3", SHARP),
            (plain, "4", "ada@M\u00dcNCHEN.de"),
            (plain, "5", ""),
            (linked, "6", "\u017fam@example.com"),
        ):
            social.link(user, now=now, uid=uid, email=email)

        found = address_refolding.connections_by_former_rule()

        assert found == [address_refolding.AmbiguousConnection(joined.pk, joined.username, "fake")]


class TestMigration:
    migration = import_module("accounts.migrations.0008_addresses_by_one_rule")

    def run(self):
        out = io.StringIO()
        with redirect_stdout(out), connection.schema_editor(atomic=False) as editor:
            self.migration.refold(apps, editor)
        return out.getvalue()

    def test_names_by_id_whom_it_could_not_decide_about_and_what_to_do(self):
        planted(MUNICH)
        held = planted(SHARP)

        text = self.run()

        assert "whose they are: 1." in text
        assert f"{held.pk}: domain_changed" in text
        assert "manage.py refold_addresses" in text
        assert "ada" not in text
        assert is_held(held)

    def test_names_fifty_of_many(self):
        for number in range(51):
            planted(f"a{number}@stra\u00dfe.de", raw_password=None)
        text = self.run()
        assert "whose they are: 51." in text
        assert text.count("domain_changed") == 50
        assert "\u2026" in text

    def test_says_nothing_where_there_is_nothing_to_say(self):
        planted(MUNICH)
        assert self.run() == ""
