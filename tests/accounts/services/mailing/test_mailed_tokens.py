from datetime import timedelta

import pytest
from django.db import transaction

from accounts.client_tokens import link_tokens
from accounts.errors import MailedTokenInvalid
from accounts.models import MailedToken, MailedTokenPurpose
from accounts.services.mailing import mailed_tokens
from cedrina_base.uuids import uuid7
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db
WITH_ROW = [purpose for purpose in MailedTokenPurpose if purpose is not MailedTokenPurpose.OPEN_ACCOUNT]


def issue(user, purpose, now, **changes):
    details = {"mail_id": uuid7(), "address": user.email, **changes}
    return mailed_tokens.issue(user=user, purpose=purpose, now=now, **details)


def redeem(token, now):
    with transaction.atomic():
        return mailed_tokens.redeem(link=link_tokens.parse(token), now=now)


@pytest.mark.parametrize("purpose", WITH_ROW)
class TestRedeem:
    def test_succeeds_once(self, purpose, now):
        user = UserFactory()
        token = issue(user, purpose, now)

        found = redeem(token, now)

        assert (found.user_id, found.address, found.created_at) == (user.pk, user.email, now)
        assert redeem(token, now) is None

    def test_is_too_late_when_the_time_is_over(self, purpose, now):
        token = issue(UserFactory(), purpose, now)
        span = mailed_tokens.lifetime(purpose=purpose)

        assert redeem(token, now + span) is None
        assert redeem(token, now + span - timedelta(seconds=1)) is not None

    def test_is_refused_to_a_closed_account(self, purpose, now):
        token = issue(UserFactory(is_active=False), purpose, now)

        # Closing an account must not keep its owner from stopping a reset.
        assert (redeem(token, now) is not None) == (purpose is MailedTokenPurpose.STOP_RESET)

    def test_of_a_deleted_account_is_left_to_the_report_of_a_takeover(self, purpose, now):
        token = issue(UserFactory(deleted_at=now), purpose, now)

        assert (redeem(token, now) is not None) == (
            purpose in (MailedTokenPurpose.DISOWN, MailedTokenPurpose.STOP_RESET)
        )

    def test_is_bound_to_what_the_token_was_made_for(self, purpose, now):
        by_password, by_address = UserFactory(), UserFactory()
        tokens = [issue(user, purpose, now) for user in (by_password, by_address)]
        by_password.password = "!another"
        by_password.save()
        by_address.email_folded = "another@example.com"
        by_address.save()

        survives = [redeem(token, now) is not None for token in tokens]

        assert (
            survives
            == {
                MailedTokenPurpose.CONFIRM_EMAIL: [True, False],
                MailedTokenPurpose.RESET_PASSWORD: [False, False],
                MailedTokenPurpose.CHANGE_EMAIL: [False, False],
                MailedTokenPurpose.INVITATION: [False, False],
                MailedTokenPurpose.DISOWN: [True, True],
                MailedTokenPurpose.INVITATION: [False, False],
                MailedTokenPurpose.STOP_RESET: [True, True],
            }[purpose]
        )

    def test_does_not_take_the_token_of_another_purpose(self, purpose, now):
        mail_id = uuid7()
        issue(UserFactory(), purpose, now, mail_id=mail_id)
        for other in set(WITH_ROW) - {purpose}:
            assert redeem(link_tokens.mint(purpose=other, mail_id=mail_id), now) is None


class TestIssue:
    def test_of_a_change_of_address_makes_earlier_ones_invalid(self, now):
        user, other, purpose = UserFactory(), UserFactory(), MailedTokenPurpose.CHANGE_EMAIL
        earlier, of_another = issue(user, purpose, now), issue(other, purpose, now)

        later = issue(user, purpose, now)

        assert redeem(earlier, now) is None
        assert redeem(of_another, now) is not None
        assert redeem(later, now) is not None

    @pytest.mark.attack("CWE-799")
    @pytest.mark.parametrize("purpose", [MailedTokenPurpose.RESET_PASSWORD, MailedTokenPurpose.CONFIRM_EMAIL])
    def test_leaves_links_good_that_are_on_their_way(self, purpose, now):
        user = UserFactory()
        tokens = [issue(user, purpose, now) for _ in range(3)]

        assert all(mailed_tokens.is_usable(presented=token, purposes=(purpose,), now=now) for token in tokens)

    def test_gives_each_notice_a_token_of_its_own(self, now):
        user = UserFactory()
        tokens = [issue(user, MailedTokenPurpose.DISOWN, now) for _ in range(3)]

        assert all(redeem(token, now) for token in tokens)

    def test_does_not_revive_what_was_used(self, now):
        user, mail_id = UserFactory(), uuid7()
        token = issue(user, MailedTokenPurpose.RESET_PASSWORD, now, mail_id=mail_id)
        redeem(token, now)

        assert issue(user, MailedTokenPurpose.RESET_PASSWORD, now, mail_id=mail_id) is None
        assert redeem(token, now) is None


class TestParse:
    def test_refuses_junk_and_foreign_purposes_without_a_query(self, django_assert_num_queries):
        foreign = link_tokens.mint(purpose=MailedTokenPurpose.DISOWN, mail_id=uuid7())
        with django_assert_num_queries(0):
            for presented in ("junk", foreign):
                with pytest.raises(MailedTokenInvalid):
                    mailed_tokens.parse(presented=presented, purposes=(MailedTokenPurpose.RESET_PASSWORD,))


class TestChargePasswordAttempt:
    def test_lets_five_be_judged(self, now):
        token = issue(UserFactory(), MailedTokenPurpose.RESET_PASSWORD, now)
        link = link_tokens.parse(token)
        for _ in range(5):
            assert mailed_tokens.is_usable(presented=token, purposes=(MailedTokenPurpose.RESET_PASSWORD,), now=now)
            mailed_tokens.charge_password_attempt(link=link, now=now)

        assert not mailed_tokens.is_usable(presented=token, purposes=(MailedTokenPurpose.RESET_PASSWORD,), now=now)
        with pytest.raises(MailedTokenInvalid):
            mailed_tokens.charge_password_attempt(link=link, now=now)
        assert MailedToken.objects.get().used_at is None
        # The fifth password may be the accepted one.
        assert mailed_tokens.redeem(link=link, now=now)

    def test_can_be_taken_back(self, now):
        link = link_tokens.parse(issue(UserFactory(), MailedTokenPurpose.RESET_PASSWORD, now))
        for _ in range(9):
            mailed_tokens.charge_password_attempt(link=link, now=now)
            mailed_tokens.refund_password_attempt(link=link)
        mailed_tokens.refund_password_attempt(link=link)

        assert MailedToken.objects.get().rejected_passwords == 0

    def test_refuses_and_records_what_came_too_late(self, now, events):
        user = UserFactory()
        link = link_tokens.parse(issue(user, MailedTokenPurpose.RESET_PASSWORD, now))

        with pytest.raises(MailedTokenInvalid):
            mailed_tokens.charge_password_attempt(link=link, now=now + timedelta(days=1))
        event = events("email.token_refused").get()
        assert (event.target_id, event.data) == (str(user.pk), {"purpose": "reset_password"})


class TestIsUsable:
    def test_says_whether_a_token_would_be_taken(self, now):
        token = issue(UserFactory(), MailedTokenPurpose.DISOWN, now)

        assert mailed_tokens.is_usable(presented=token, purposes=(MailedTokenPurpose.DISOWN,), now=now)
        assert not mailed_tokens.is_usable(presented=token, purposes=(MailedTokenPurpose.CONFIRM_EMAIL,), now=now)
        assert not mailed_tokens.is_usable(presented="junk", purposes=(MailedTokenPurpose.DISOWN,), now=now)
        assert not mailed_tokens.is_usable(
            presented=token, purposes=(MailedTokenPurpose.DISOWN,), now=now + timedelta(days=8)
        )


class TestWithdraw:
    def test_takes_back_the_later_ones_where_that_is_asked(self, now):
        user = UserFactory()
        early, late = (
            issue(user, MailedTokenPurpose.DISOWN, now),
            issue(user, MailedTokenPurpose.DISOWN, now + timedelta(minutes=1)),
        )

        assert (
            mailed_tokens.withdraw(
                user_id=user.pk, purposes=[MailedTokenPurpose.DISOWN], since=now + timedelta(seconds=1), now=now
            )
            == 1
        )
        at = now + timedelta(minutes=2)
        assert redeem(early, at) is not None
        assert redeem(late, at) is None
