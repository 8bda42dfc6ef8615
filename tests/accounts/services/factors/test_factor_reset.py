from datetime import timedelta

import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from accounts.end_reasons import FACTORS_RESET
from accounts.errors import (
    InsufficientPrivileges,
    LastAdministrator,
    MailedTokenInvalid,
    NotAllowed,
    OwnFactorReset,
    ResetNotNotifiable,
    ResetsExhausted,
)
from accounts.factors import enrolled
from accounts.models import MailedToken, OutgoingMail, ResetOutcome, SecondFactorReset, User
from accounts.services.administration import account_status
from accounts.services.factors import factor_reset, passkeys
from accounts.services.mailing import mail_queue
from accounts.services.profile import deletion, erasure, takeover
from accounts.services.sign_in import password_sign_in
from tests import mailbox
from tests.accounts.services.factors.signed_in import reauthenticate_with_code, sign_in_with_code
from tests.factories.accounts import PASSWORD, UserFactory, give
from tests.factories.factors import add_key, add_totp
from tests.factories.tokens import open_session
from tokens.models import Session
from tokens.types import ClientContext

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_queue")]
WAIT = timedelta(hours=72)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
ASKED, STAYS, REMOVED = (
    "Your second factor is about to be removed",
    "Your second factor stays",
    "Your second factor was removed",
)
NOT_REMOVED = "Your second factor is not removed"


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def operator(db):
    return UserFactory(username="operator", admin=True)


@pytest.fixture
def user(db, now):
    """A person with an application, recovery codes and a session; nobody has read the mail about the application."""
    mina = UserFactory(username="mina", email="mina@example.com", raw_password=PASSWORD)
    add_totp(mina, now=now - HOUR)
    mailbox.work()
    return mina


@pytest.fixture
def helper(db):
    """Somebody who may change people and nothing else."""
    staff = UserFactory(username="helper")
    give(staff, "users:read", "users:change", "factors:reset")
    return staff


def request(user, by, now, reason="They called from the number that we know."):
    return factor_reset.request(user=user, by=by, reason=reason, now=now)


def subjects(messages):
    return [message.subject for message in messages]


def outcome(user):
    return SecondFactorReset.objects.filter(user=user).latest("requested_at").outcome


class TestRequest:
    def test_tells_the_person_and_changes_nothing_else(self, user, operator, now, events):
        assert request(user, operator, now)

        (message,) = mailbox.work()
        assert (message.subject, message.to) == (ASKED, ["mina@example.com"])
        assert "from the number" not in message.body  # what an operator writes could say anything
        assert mailbox.link_in(message)[1] == "stop-reset"
        assert enrolled.has_any(user.pk)
        assert Session.objects.filter(user=user, ended_at=None).exists()
        event = events("mfa.reset_requested").get()
        assert (event.severity, event.actor_id, event.target_id) == ("medium", str(operator.pk), str(user.pk))
        assert event.data["due_at"] == (now + WAIT).isoformat()

    def test_tells_the_addresses_of_the_last_month_too_the_oldest_first(self, user, operator, now):
        for former in ("first@example.com", "second@example.com", "FIRST@example.com", "mina@example.com"):
            mail_queue.enqueue(user_id=user.pk, kind=mail_queue.MailKind.EMAIL_CHANGED, address=former, now=now - DAY)
        mailbox.work()

        request(user, operator, now)

        assert [message.to for message in mailbox.work()] == [
            ["mina@example.com"],
            ["first@example.com"],
            ["second@example.com"],
        ]

    def test_changes_nothing_while_another_one_waits(self, user, operator, now, events):
        request(user, operator, now)
        mailbox.work()

        assert not request(user, operator, now + DAY)

        assert SecondFactorReset.objects.get().due_at == now + WAIT
        assert mailbox.work() == []
        assert events("mfa.reset_requested").count() == 1

    def test_does_nothing_for_people_without_a_factor_and_for_closed_accounts(self, user, operator, now):
        assert not request(UserFactory(), operator, now)
        User.objects.filter(pk=user.pk).update(is_active=False)
        assert not request(user, operator, now)
        User.objects.filter(pk=user.pk).update(is_active=True, deleted_at=now)
        assert not request(user, operator, now)
        assert not SecondFactorReset.objects.exists()

    def test_is_refused_for_ones_own_account(self, operator, now, events):
        add_totp(operator)
        UserFactory(admin=True, raw_password=PASSWORD)
        with pytest.raises(OwnFactorReset):
            request(operator, operator, now)
        assert events("permission.denied").get().risk_reasons == ["factors:reset", "own_account"]

    def test_is_refused_where_nobody_would_be_told(self, user, operator, now):
        User.objects.filter(pk=user.pk).update(email_confirmed_at=None)
        with pytest.raises(ResetNotNotifiable):
            request(user, operator, now)

    def test_is_refused_after_three_in_a_day_so_that_each_mail_is_sent(self, user, operator, now):
        for number in range(3):
            assert request(user, operator, now + number * MINUTE)
            factor_reset.withdraw(user=user, by=operator, reason="", now=now + number * MINUTE)
        with pytest.raises(ResetsExhausted):
            request(user, operator, now + HOUR)
        assert subjects(mailbox.work()).count(ASKED) == 0  # withdrawn before they were sent
        assert request(user, operator, now + DAY + HOUR)
        assert subjects(mailbox.work())[-1:] == [ASKED]

    def test_at_the_command_line_needs_no_operator(self, user, now, events):
        assert request(user, None, now)
        assert events("mfa.reset_requested").get().actor_id == ""

    @pytest.mark.attack("CWE-269")
    def test_is_refused_against_somebody_with_more_privileges(self, operator, helper, now):
        add_totp(operator)
        with pytest.raises(InsufficientPrivileges):
            request(operator, helper, now)
        with pytest.raises(NotAllowed):
            request(helper, UserFactory(), now)

    def test_keeps_the_last_administrator_who_signs_in_by_a_passkey_alone(self, operator, now):
        add_key(operator, is_passkey=True)
        with pytest.raises(LastAdministrator):
            request(operator, None, now)


class TestStop:
    def test_keeps_everything_and_tells_the_operators(self, user, operator, now, events):
        request(user, operator, now)
        token = mailbox.token_in(mailbox.work()[0])
        assert factor_reset.is_stoppable(token=token, now=now + HOUR)
        assert not SecondFactorReset.objects.get().outcome  # looking changes nothing

        factor_reset.stop(token=token, now=now + HOUR)

        event = events("mfa.reset_stopped").get()
        assert (event.severity, event.data["requested_by"]) == ("high", str(operator.pk))
        assert subjects(mailbox.work()) == [STAYS]
        assert factor_reset.carry_out_due(now=now + WAIT + DAY) == 0
        assert enrolled.has_any(user.pk)

    def test_works_once(self, user, operator, now):
        request(user, operator, now)
        token = mailbox.token_in(mailbox.work()[0])
        factor_reset.stop(token=token, now=now)
        request(user, operator, now + HOUR)

        assert not factor_reset.is_stoppable(token=token, now=now + HOUR)
        with pytest.raises(MailedTokenInvalid):
            factor_reset.stop(token=token, now=now + HOUR)
        assert not outcome(user)

    def test_works_from_a_former_address_and_after_every_change_of_the_account(self, user, operator, now):
        mail_queue.enqueue(
            user_id=user.pk, kind=mail_queue.MailKind.EMAIL_CHANGED, address="first@example.com", now=now - DAY
        )
        mailbox.work()
        request(user, operator, now)
        tokens = [mailbox.token_in(message) for message in mailbox.work()]
        User.objects.filter(pk=user.pk).update(
            password="!", email="x@example.org", email_folded="x@example.org", is_active=False, deleted_at=now
        )
        for token in tokens:
            assert factor_reset.is_stoppable(token=token, now=now + WAIT)

        factor_reset.stop(token=tokens[1], now=now + WAIT)

        assert outcome(user) == ResetOutcome.STOPPED
        assert not factor_reset.is_stoppable(token=tokens[0], now=now + WAIT)

    def test_refuses_a_token_of_another_purpose_and_a_guessed_one(self, user, now):
        mail_queue.enqueue(user_id=user.pk, kind=mail_queue.MailKind.PASSWORD_CHANGED)
        for token in (mailbox.token_in(mailbox.work()[0]), f"cdm_{'A' * 44}", ""):
            with pytest.raises(MailedTokenInvalid):
                factor_reset.stop(token=token, now=now)

    def test_of_a_withdrawn_reset_is_refused_and_its_mail_is_not_sent(self, user, operator, now):
        request(user, operator, now)
        factor_reset.withdraw(user=user, by=operator, reason="A mistake", now=now)

        assert subjects(mailbox.work()) == [NOT_REMOVED]
        assert OutgoingMail.objects.get(kind="factor_reset_requested").drop_reason == "superseded"
        assert not MailedToken.objects.filter(purpose="stop_reset", used_at=None).exists()


class TestCarryOutDue:
    def test_removes_all_factors_ends_all_sessions_and_tells_the_person(self, user, operator, now, events):
        add_key(user, now=now - HOUR)
        request(user, operator, now)
        mailbox.work()
        assert factor_reset.carry_out_due(now=now + WAIT - MINUTE) == 0
        later = now + WAIT + HOUR

        assert factor_reset.carry_out_due(now=later) == 1
        assert factor_reset.carry_out_due(now=later) == 0

        stored = User.objects.get(pk=user.pk)
        assert (stored.is_mfa_enabled, enrolled.methods(user.pk)) == (False, ())
        assert stored.check_password(PASSWORD)
        assert set(Session.objects.filter(user=user).values_list("end_reason", flat=True)) == {FACTORS_RESET.code}
        event = events("mfa.reset_carried_out").get()
        assert (event.severity, event.actor_id) == ("high", str(operator.pk))
        assert (event.data["removed_factors"], event.data["ended_sessions"]) == (3, 2)
        assert subjects(mailbox.work()) == [REMOVED]
        signed_in = password_sign_in.sign_in(name="mina", password=PASSWORD, client=ClientContext(), now=later)
        assert signed_in.tokens

    def test_counts_the_time_from_the_delivery_of_the_mail(self, user, operator, now):
        request(user, operator, now)
        assert factor_reset.carry_out_due(now=now + WAIT + MINUTE) == 0  # it was never sent
        mailbox.work()
        sent_at = now + WAIT
        OutgoingMail.objects.filter(kind="factor_reset_requested").update(sent_at=sent_at)

        for moment in (now + WAIT + MINUTE, sent_at + WAIT - MINUTE, sent_at + WAIT - MINUTE):
            assert factor_reset.carry_out_due(now=moment) == 0
        assert SecondFactorReset.objects.get().due_at == sent_at + WAIT
        assert factor_reset.carry_out_due(now=sent_at + WAIT) == 1

    def test_ends_it_where_the_mail_can_not_be_delivered(self, user, operator, now, events):
        request(user, operator, now)
        OutgoingMail.objects.filter(kind="factor_reset_requested").update(dropped_at=now, drop_reason="refused")
        assert factor_reset.carry_out_due(now=now + MINUTE) == 0
        assert events("mfa.reset_cancelled").get().data["reason"] == "not_notified"

        request(user, operator, now + HOUR)
        OutgoingMail.objects.filter(kind="factor_reset_requested").update(sent_at=None)
        factor_reset.carry_out_due(now=now + WAIT + 8 * DAY)
        assert outcome(user) == ResetOutcome.NOT_NOTIFIED

    def test_does_not_shorten_a_wait_with_the_setting(self, user, operator, now, settings):
        request(user, operator, now)
        mailbox.work()
        settings.ACCOUNTS = {**settings.ACCOUNTS, "SECOND_FACTOR_RESET_WAIT": HOUR}
        assert factor_reset.carry_out_due(now=now + DAY) == 0

    def test_goes_on_after_a_new_password(self, user, operator, now):
        request(user, operator, now)
        mailbox.work()
        User.objects.filter(pk=user.pk).update(password="!new")
        assert factor_reset.carry_out_due(now=now + WAIT + HOUR) == 1

    @pytest.mark.parametrize("close", [account_status.deactivate, deletion.close])
    def test_ends_with_an_account_that_is_closed(self, user, operator, now, close):
        request(user, operator, now)
        mailbox.work()
        close(user=user, by=operator, reason="", now=now)
        assert factor_reset.carry_out_due(now=now + WAIT + HOUR) == 0
        assert outcome(user) == ResetOutcome.ACCOUNT_CLOSED

    def test_does_nothing_for_an_erased_account(self, user, operator, now):
        request(user, operator, now)
        deletion.close(user=user, by=operator, reason="", now=now)
        erasure.erase_now(user_id=user.pk, now=now)
        assert factor_reset.carry_out_due(now=now + WAIT + HOUR) == 0
        assert not SecondFactorReset.objects.exists()

    def test_ends_where_the_person_got_privileges_that_the_operator_lacks(self, user, helper, now):
        request(user, helper, now)
        mailbox.work()
        User.objects.filter(pk=user.pk).update(role_grants="admin")
        assert factor_reset.carry_out_due(now=now + WAIT + HOUR) == 0
        assert outcome(user) == ResetOutcome.NOT_ALLOWED
        assert subjects(mailbox.work()) == [NOT_REMOVED]

    @pytest.mark.parametrize("lost", ["role_grants", "is_active", "account"])
    def test_ends_where_the_operator_may_do_it_no_more(self, user, helper, now, lost):
        request(user, helper, now)
        mailbox.work()
        rows = User.objects.filter(pk=helper.pk)
        rows.delete() if lost == "account" else rows.update(**{lost: "" if lost == "role_grants" else False})
        assert factor_reset.carry_out_due(now=now + WAIT + HOUR) == 0
        assert outcome(user) == ResetOutcome.NOT_ALLOWED
        assert enrolled.has_any(user.pk)


@pytest.mark.slow
class TestAWorkerThatDies:
    def test_at_any_statement_leaves_it_waiting_and_the_next_one_carries_it_out(self, user, operator, now):
        request(user, operator, now)
        mailbox.work()
        later = now + WAIT + HOUR
        died = 0
        while True:
            try:
                with connection.execute_wrapper(DiesAt(died + 1)), transaction.atomic():
                    assert factor_reset.carry_out_due(now=later) == 1
                break
            except OperationalError:
                died += 1
            assert not outcome(user)
            assert enrolled.methods(user.pk)
            assert Session.objects.filter(user=user, ended_at=None).exists()
            assert mailbox.queued() == []

        assert died > 10
        assert outcome(user) == ResetOutcome.CARRIED_OUT
        assert subjects(mailbox.work()) == [REMOVED]


class DiesAt:
    """Lose the connection before the statement with this number."""

    def __init__(self, number):
        self.left = number

    def __call__(self, execute, *arguments):
        self.left -= 1
        if not self.left:
            raise OperationalError
        return execute(*arguments)


class TestWhatEndsAReset:
    def test_a_sign_in_with_the_second_factor(self, user, operator, now, events):
        request(user, operator, now)
        mailbox.work()

        sign_in_with_code(user, now=now + HOUR)

        assert events("mfa.reset_cancelled").get().data["reason"] == "factor_shown"
        assert "Your second factor stays, because it was used" in subjects(mailbox.work())
        assert factor_reset.carry_out_due(now=now + WAIT + HOUR) == 0

    def test_a_sign_in_with_a_passkey(self, user, operator, now):
        key, _added = add_key(user, is_passkey=True)
        request(user, operator, now)
        credential = key.get(passkeys.begin(now=now))
        passkeys.sign_in(credential=credential, client=ClientContext(), now=now)
        assert outcome(user) == ResetOutcome.FACTOR_SHOWN

    def test_a_reauthentication_with_the_second_factor(self, user, operator, now):
        request(user, operator, now)
        reauthenticate_with_code(user, now=now + HOUR)
        assert outcome(user) == ResetOutcome.FACTOR_SHOWN

    def test_another_factor(self, user, operator, now):
        request(user, operator, now)
        add_key(user)
        assert outcome(user) == ResetOutcome.FACTORS_CHANGED

    def test_a_report_of_a_takeover(self, user, operator, now):
        mail_queue.enqueue(user_id=user.pk, kind=mail_queue.MailKind.PASSWORD_CHANGED)
        token = mailbox.token_in(mailbox.work()[-1])
        request(user, operator, now)
        takeover.report(token=token, now=now)
        assert outcome(user) == ResetOutcome.FACTORS_CHANGED

    def test_not_a_password_alone(self, user, operator, now):
        request(user, operator, now)
        password_sign_in.sign_in(name="mina", password=PASSWORD, client=ClientContext(), now=now)
        open_session(user=user)
        assert not outcome(user)

    def test_a_withdrawal_by_an_operator(self, user, operator, helper, now, events):
        assert not factor_reset.withdraw(user=user, by=operator, reason="x", now=now)
        request(user, operator, now)
        with pytest.raises(NotAllowed):
            factor_reset.withdraw(user=user, by=UserFactory(), reason="x", now=now)

        assert factor_reset.withdraw(user=user, by=helper, reason="A mistake", now=now)

        assert events("mfa.reset_withdrawn").get().data["note"] == "A mistake"
        assert outcome(user) == ResetOutcome.WITHDRAWN
