"""Nobody removes somebody else's second factor by talking to an operator, by being one, or by the clock."""

from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.client_tokens import link_tokens
from accounts.errors import NotAllowed
from accounts.factors import enrolled
from accounts.models import MailedToken, MailedTokenPurpose, OutgoingMail, SecondFactorReset, User
from accounts.services.administration import account_status
from accounts.services.factors import factor_reset
from accounts.services.mailing import mail_queue
from cedrina_base.uuids import uuid7
from tests import mailbox
from tests.factories.accounts import PASSWORD, UserFactory, give
from tests.factories.factors import add_totp
from tests.factories.tokens import open_session

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("empty_queue"),
    pytest.mark.attack("OWASP ASVS 5.0, 6.4.4; NIST SP 800-63B-4, 4.2.3"),
]
WAIT = timedelta(hours=72)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
REASON = {"reason": "They called."}


@pytest.fixture
def victim(db):
    mina = UserFactory(username="mina", email="mina@example.com", raw_password=PASSWORD)
    add_totp(mina)
    mailbox.work()
    return mina


@pytest.fixture
def helper(db):
    staff = UserFactory(username="helper")
    give(staff, "users:read", "users:change", "factors:reset")
    return staff


@pytest.fixture
def api():
    return APIClient()


def sign_in_operator(api, *, permissions=(), **details):
    """Sign a new account in at the API, by a password a moment ago."""
    operator = UserFactory(**details)
    give(operator, *permissions)
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {open_session(user=operator).access_token}")
    return operator


def request(user, by, now):
    return factor_reset.request(user=user, by=by, reason="x", now=now)


class TestAnOperatorWhoIsAnAttacker:
    def test_can_not_hide_a_request_among_others(self, victim, helper):
        """Each request that is carried out was mailed, however many requests and other notices came before."""
        now = timezone.now()
        for number in range(40):
            mail_queue.enqueue(user_id=victim.pk, kind=mail_queue.MailKind.PASSWORD_CHANGED, now=now)
            if number % 10 == 0:
                try:
                    request(victim, helper, now)
                    mailbox.work()
                    factor_reset.withdraw(user=victim, by=helper, reason="x", now=now)
                except NotAllowed:
                    break
        mailbox.work()
        carried_out = factor_reset.carry_out_due(now=now + WAIT + DAY)
        assert carried_out == 0
        requests = SecondFactorReset.objects.filter(user=victim).values_list("notice_id", flat=True)
        assert len(requests) == factor_reset.MAX_REQUESTS_PER_DAY
        sent = OutgoingMail.objects.filter(pk__in=requests, sent_at__isnull=False).count()
        assert sent == len(requests)

    def test_can_not_disable_the_link_by_locking_the_account(self, victim, helper):
        now = timezone.now()
        request(victim, helper, now)
        link = next(message for message in mailbox.work() if "stop-reset" in message.body)
        account_status.deactivate(user=victim, by=helper, reason="x", now=now)
        factor_reset.stop(token=mailbox.token_in(link), now=now + WAIT - MINUTE)
        account_status.activate(user=victim, by=helper, reason="x", now=now + WAIT - MINUTE)
        assert factor_reset.carry_out_due(now=now + WAIT + HOUR) == 0
        assert enrolled.has_any(victim.pk)

    def test_can_not_shorten_the_time_by_asking_again(self, victim, helper):
        now = timezone.now()
        request(victim, helper, now)
        mailbox.work()
        for hours in range(1, 72, 12):
            assert not request(victim, helper, now + timedelta(hours=hours))
        assert factor_reset.carry_out_due(now=now + WAIT - MINUTE) == 0

    def test_can_not_choose_what_the_mail_says(self, victim, helper):
        factor_reset.request(user=victim, by=helper, reason="Call +1 555 0100 now", now=timezone.now())
        (message,) = mailbox.work()
        assert "555" not in message.body + message.alternatives[0][0] + message.subject


class TestTheApi:
    def test_asks_shows_and_withdraws(self, api, victim):
        operator = sign_in_operator(api, admin=True)
        path = f"/api/v1/admin/users/{victim.pk}"
        assert api.get(f"{path}/second-factor-reset").json() == {"reset": None}

        assert api.post(f"{path}/reset-second-factor", REASON, format="json").status_code == 200
        shown = api.get(f"{path}/second-factor-reset").json()["reset"]
        assert (shown["outcome"], shown["closed_at"]) == (None, None)
        assert SecondFactorReset.objects.get().requested_by == operator.pk

        assert api.post(f"{path}/withdraw-second-factor-reset", REASON, format="json").status_code == 200
        assert api.get(f"{path}/second-factor-reset").json()["reset"]["outcome"] == "withdrawn"

    @pytest.mark.attack("OWASP ASVS 5.0, 8.2.2; CWE-269")
    def test_refuses_a_partial_administrator_against_a_superior(self, api, victim):
        User.objects.filter(pk=victim.pk).update(role_grants="admin")
        sign_in_operator(api, permissions=["users:read", "users:change", "factors:reset"])
        for action in ("reset-second-factor", "withdraw-second-factor-reset"):
            answer = api.post(f"/api/v1/admin/users/{victim.pk}/{action}", REASON, format="json")
            assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")
        assert not SecondFactorReset.objects.exists()

    def test_shows_nothing_to_people_who_are_no_operators(self, api, victim):
        sign_in_operator(api)
        assert api.get(f"/api/v1/admin/users/{victim.pk}/second-factor-reset").status_code == 403
        assert (
            api.post(f"/api/v1/admin/users/{victim.pk}/reset-second-factor", REASON, format="json").status_code == 403
        )


class TestAGuessedLink:
    def test_is_refused_without_a_query_and_like_a_used_one(self, api, victim, helper, django_assert_num_queries):
        now = timezone.now()
        request(victim, helper, now)
        right = mailbox.token_in(mailbox.work()[0])
        guessed = f"{right[:-1]}{'A' if right[-1] != 'A' else 'B'}"
        with django_assert_num_queries(0):
            first = api.get(f"/account/stop-reset/{guessed}", headers={"accept": "text/html"})
        signed_but_unknown = link_tokens.mint(purpose=MailedTokenPurpose.STOP_RESET, mail_id=uuid7())
        second = api.get(f"/account/stop-reset/{signed_but_unknown}", headers={"accept": "text/html"})
        assert (first.status_code, first.content) == (400, second.content)
        assert MailedToken.objects.get(purpose="stop_reset").used_at is None

    def test_is_not_followed_by_a_scanner_of_mail(self, api, victim, helper):
        now = timezone.now()
        request(victim, helper, now)
        token = mailbox.token_in(mailbox.work()[0])
        for method in (api.get, api.head):
            assert method(f"/account/stop-reset/{token}", headers={"accept": "text/html"}).status_code == 200
        assert not SecondFactorReset.objects.get().outcome
        foreign = api.post(f"/account/stop-reset/{token}", headers={"sec-fetch-site": "cross-site"})
        assert foreign.status_code == 403
        assert not SecondFactorReset.objects.get().outcome

        done = api.post(f"/account/stop-reset/{token}", headers={"sec-fetch-site": "same-origin"})

        assert (done.status_code, done["Location"]) == (303, "/account/done/reset-stopped?lang=en")
        assert token not in done["Location"]
        assert SecondFactorReset.objects.get().outcome == "stopped"
        assert api.post(f"/account/stop-reset/{token}").status_code == 400
