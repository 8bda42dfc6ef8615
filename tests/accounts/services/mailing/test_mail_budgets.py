from datetime import timedelta

import pytest
from django.core import mail as outbox

from accounts.models import MailBudget, MailedToken, MailedTokenPurpose, OutgoingMail
from accounts.services.mailing import delivery, mail_budgets, mail_queue, mailed_tokens
from cedrina_base.uuids import uuid7
from tests.factories.accounts import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_queue"), pytest.mark.attack("CWE-799")]
Kind = mail_queue.MailKind
NOTICES = sorted(set(Kind) - mail_queue.CAUSED_BY_ANYBODY - mail_queue.CAUSED_BY_OPERATORS)
# What is asked for by naming the address of an account.
ASKED_FOR = sorted({Kind.CONFIRM_EMAIL, Kind.RESET_PASSWORD, Kind.ADDRESS_ALREADY_REGISTERED})
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def send(user, kind, at, **about):
    """Deliver one mail; return why it was dropped, or an empty string if it was sent."""
    mail_id = mail_queue.enqueue(user_id=user.pk, kind=kind, now=at, **about)
    delivery.deliver(mail_id=mail_id, now=at)
    return OutgoingMail.objects.get(pk=mail_id).drop_reason


def change_address(user, address, at):
    mail_id = uuid7()
    mailed_tokens.issue(mail_id=mail_id, user=user, purpose=MailedTokenPurpose.CHANGE_EMAIL, address=address, now=at)
    return send(user, Kind.CONFIRM_NEW_EMAIL, at, address=address, mail_id=mail_id)


@pytest.fixture
def owner():
    return UserFactory(email="Owner@example.com", email_confirmed_at=None)


class TestWhatAnybodyCanCause:
    @pytest.mark.parametrize("kind", ASKED_FOR)
    def test_comes_three_times_an_hour_of_each_kind(self, owner, kind, now):
        outcomes = [send(owner, kind, now + number * 2 * MINUTE) for number in range(5)]

        assert outcomes == ["", "", "", "too_many", "too_many"]
        assert send(owner, kind, now + HOUR + MINUTE) == ""

    def test_comes_three_times_an_hour_whichever_accounts_ask_for_that_address(self, now):
        outcomes = [
            change_address(UserFactory(), f"Vic{'t' if number % 2 else 'T'}im@example.com", now + number * 2 * MINUTE)
            for number in range(5)
        ]

        assert outcomes == ["", "", "", "too_many", "too_many"]

    def test_comes_six_times_an_hour_of_all_kinds_together(self, owner, now):
        kinds = [Kind.RESET_PASSWORD, Kind.CONFIRM_EMAIL, Kind.ADDRESS_ALREADY_REGISTERED] * 3
        outcomes = [send(owner, kind, now + number * 2 * MINUTE) for number, kind in enumerate(kinds)]

        assert outcomes == [""] * 6 + ["too_many"] * 3

    def test_comes_twenty_times_a_day_at_most(self, owner, now):
        outcomes = [send(owner, Kind.RESET_PASSWORD, now + number * 25 * MINUTE) for number in range(57)]

        assert outcomes.count("") == 20
        assert send(owner, Kind.RESET_PASSWORD, now + 57 * 25 * MINUTE + DAY) == ""

    def test_uses_up_neither_what_a_known_device_asks_for_nor_notices(self, owner, now):
        for number in range(12):
            send(owner, ASKED_FOR[number % 3], now + number * MINUTE)
        later = now + 20 * MINUTE
        assert send(owner, Kind.RESET_PASSWORD, later) == "too_many"

        assert send(owner, Kind.RESET_PASSWORD, later, is_known_device=True) == ""
        assert [send(owner, kind, later) for kind in NOTICES] == [""] * len(NOTICES)

    def test_counts_again_what_is_tried_again(self, owner, now):
        mail_id = mail_queue.enqueue(user_id=owner.pk, kind=Kind.RESET_PASSWORD, now=now)
        OutgoingMail.objects.filter(pk=mail_id).update(started_at=now)
        for number in range(1, 6):
            send(owner, Kind.RESET_PASSWORD, now + number * 2 * MINUTE)

        delivery.deliver(mail_id=mail_id, now=now + 20 * MINUTE)

        assert OutgoingMail.objects.get(pk=mail_id).sent_at == now + 20 * MINUTE


class TestAKnownDevice:
    def test_has_a_bound_too(self, owner, now):
        outcomes = [
            send(owner, Kind.RESET_PASSWORD, now + number * 2 * MINUTE, is_known_device=True) for number in range(4)
        ]

        assert outcomes == ["", "", "", "too_many"]

    def test_makes_no_difference_to_a_notice(self, owner):
        mail_id = mail_queue.enqueue(user_id=owner.pk, kind=Kind.PASSWORD_CHANGED, is_known_device=True)

        assert OutgoingMail.objects.get(pk=mail_id).budget == MailBudget.NOTICE


class TestNotices:
    def test_are_bounded_for_one_kind(self, owner, now):
        outcomes = [send(owner, Kind.NEW_DEVICE, now + number * timedelta(seconds=5)) for number in range(40)]

        assert outcomes.count("") == 10

    def test_are_bounded_over_all_kinds(self, owner, now):
        outcomes = [
            send(owner, NOTICES[number % len(NOTICES)], now + number * timedelta(seconds=5)) for number in range(70)
        ]

        assert outcomes.count("") == 30

    def test_of_another_kind_are_not_hidden_behind_many_of_one(self, owner, now):
        for kind in (Kind.FACTOR_ADDED, Kind.FACTOR_REMOVED, Kind.NEW_DEVICE):
            for number in range(10):
                send(owner, kind, now + number * MINUTE)
        later = now + 30 * MINUTE
        assert send(owner, Kind.FACTOR_ADDED, later) == "too_many"

        assert send(owner, Kind.PASSWORD_CHANGED, later) == ""
        assert send(owner, Kind.PASSWORD_CHANGED, later) == "too_many"


class TestALinkOnItsWay:
    def ask(self, user, at):
        return send(user, Kind.RESET_PASSWORD, at)

    def test_is_neither_doubled_nor_ended_by_another_request(self, owner, now):
        assert self.ask(owner, now) == ""
        assert self.ask(owner, now + timedelta(seconds=59)) == "on_its_way"

        assert len(outbox.outbox) == 1
        assert MailedToken.objects.get().used_at is None

    def test_serves_a_known_device_as_well(self, owner, now):
        self.ask(owner, now)

        assert send(owner, Kind.RESET_PASSWORD, now + timedelta(seconds=9), is_known_device=True) == "on_its_way"

    def test_is_followed_by_another_after_a_minute_and_stays_good(self, owner, now):
        self.ask(owner, now)
        assert self.ask(owner, now + MINUTE) == ""

        assert MailedToken.objects.filter(used_at=None).count() == len(outbox.outbox) == 2

    def test_is_followed_at_once_where_it_no_longer_works(self, owner, now):
        self.ask(owner, now)
        owner.password = "!changed"
        owner.save()

        assert self.ask(owner, now + timedelta(seconds=5)) == ""

    def test_is_followed_at_once_where_it_was_withdrawn(self, owner, now):
        self.ask(owner, now)
        mailed_tokens.withdraw(user_id=owner.pk, purposes=[MailedTokenPurpose.RESET_PASSWORD], now=now)

        assert self.ask(owner, now + timedelta(seconds=5)) == ""

    def test_stands_in_the_way_of_no_other_kind(self, owner, now):
        self.ask(owner, now)

        assert send(owner, Kind.CONFIRM_EMAIL, now + timedelta(seconds=5)) == ""

    def test_needs_no_link(self, owner, now):
        assert send(owner, Kind.ADDRESS_ALREADY_REGISTERED, now) == ""
        assert send(owner, Kind.ADDRESS_ALREADY_REGISTERED, now + timedelta(seconds=5)) == "on_its_way"

    def test_of_one_account_does_not_stand_in_the_way_of_anothers(self, now):
        """A link that another account requested for this address is of no use to its owner."""
        assert change_address(UserFactory(username="stranger"), "new@example.com", now) == ""

        assert change_address(UserFactory(username="mina"), "New@example.com", now + timedelta(seconds=5)) == ""

    def test_counts_for_its_recipient_alone(self, owner, now):
        self.ask(owner, now)

        assert self.ask(UserFactory(), now) == ""


class TestAllowances:
    def test_exist_for_each_budget(self):
        assert set(mail_budgets.ALLOWANCES) == set(MailBudget.values)
