"""Resets of second factors in the admin: the list, and the warning of those that were stopped."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import SecondFactorReset
from accounts.services.factors import factor_reset
from tests import mailbox
from tests.factories.accounts import UserFactory, give
from tests.factories.factors import add_totp
from tests.factories.tokens import sign_in_at_admin

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_queue")]
WARNING = "The reset of the second factor of mina was stopped"


@pytest.fixture
def stopped(boss):
    user = UserFactory(username="mina")
    add_totp(user)
    mailbox.work()
    factor_reset.request(user=user, by=boss, reason="They called.", now=timezone.now())
    factor_reset.stop(token=mailbox.token_in(mailbox.work()[0]), now=timezone.now())
    return SecondFactorReset.objects.get()


def shown_to(user, path):
    browser = Client()
    sign_in_at_admin(browser, user)
    answer = browser.get(path)
    return answer.status_code, answer.content.decode()


@pytest.mark.usefixtures("stopped")
class TestTheOverview:
    def test_warns_of_a_reset_that_was_stopped(self, boss):
        assert WARNING in shown_to(boss, "/admin/")[1]

    def test_warns_nobody_who_may_not_see_people(self):
        keeper = UserFactory()
        give(keeper, "keys:read")
        status, text = shown_to(keeper, "/admin/")
        assert status == 200
        assert "second factor of" not in text

    def test_forgets_it_after_a_week(self, boss):
        SecondFactorReset.objects.update(closed_at=timezone.now() - timedelta(days=8))
        assert WARNING not in shown_to(boss, "/admin/")[1]


class TestTheList:
    def test_says_how_each_ended(self, boss, stopped):
        status, text = shown_to(boss, "/admin/accounts/secondfactorreset/?q=mina")
        assert status == 200
        assert "stopped by the link of the mail" in text
        assert "mina" in text
        detail = shown_to(boss, f"/admin/accounts/secondfactorreset/{stopped.pk}/change/")
        assert detail[0] == 200
        assert "They called" not in detail[1]

    def test_is_closed_to_those_who_may_not_see_people(self):
        keeper = UserFactory()
        give(keeper, "keys:read")
        assert shown_to(keeper, "/admin/accounts/secondfactorreset/")[0] == 403
