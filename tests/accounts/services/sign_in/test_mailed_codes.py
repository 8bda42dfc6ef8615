"""A code from the mailbox is the proof of people without a second factor, and gives an attacker no way in."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts.client_tokens import proof_codes
from accounts.errors import AttemptsExhausted, EmailNotConfirmed, MfaCodeInvalid, NoProofDue
from accounts.models import OutgoingMail, ProofCode
from accounts.models.attack_responses import MAX_WRONG_CODES
from accounts.services.sign_in import mailed_codes
from cedrina_base.uuids import uuid7
from security_events.models import SecurityEvent
from tests import mailbox
from tests.factories.accounts import UserFactory
from tests.factories.factors import add_totp
from tests.factories.tokens import open_session
from tokens.errors import SessionRevoked
from tokens.models import Session

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_queue")]
NOW = timezone.now()
MINUTE = timedelta(minutes=1)


@pytest.fixture
def user():
    return UserFactory(locale="fa")


@pytest.fixture
def session_id(user):
    pair = open_session(user=user, now=NOW)
    Session.objects.update(step_up_until=NOW + timedelta(days=1))
    return pair.session_id


def mail(user, session_id, *, now=NOW, is_proof_due=True):
    mailed_codes.mail(user=user, session_id=session_id, is_proof_due=is_proof_due, now=now)
    newest = ProofCode.objects.filter(session_id=session_id).order_by("-pk").first()
    return proof_codes.code_of(mail_id=newest.pk)


def show(user, session_id, code, *, now=NOW):
    mailed_codes.show(user=user, session_id=session_id, code=code, now=now)


def is_marked(session_id):
    return Session.objects.get(pk=session_id).step_up_until is not None


class TestMail:
    def test_shows_the_code_and_the_session_in_the_language_of_the_person(self, user, session_id):
        code = mail(user, session_id)
        (message,) = mailbox.work()
        assert mailbox.code_in(message) == f"{code[:4]}\N{NO-BREAK SPACE}{code[4:]}"
        assert "203.0.113.7" in message.body
        assert 'dir="rtl"' in message.alternatives[0][0]
        assert mailbox.link_in(message)  # to report a takeover

    def test_stores_the_code_nowhere(self, user, session_id):
        code = mail(user, session_id)
        with connection.cursor() as cursor:
            cursor.execute("SELECT args::text FROM procrastinate_jobs")
            stored = str(cursor.fetchall())
        stored += str(list(ProofCode.objects.values())) + str(list(SecurityEvent.objects.values("data")))
        assert code not in stored

    def test_is_not_for_sessions_that_need_none_nor_for_people_with_a_second_factor(self, user, session_id):
        with pytest.raises(NoProofDue):
            mail(user, session_id, is_proof_due=False)
        add_totp(user)
        with pytest.raises(NoProofDue):
            mail(user, session_id)
        assert not ProofCode.objects.exists()

    def test_is_not_sent_to_an_address_that_nobody_has_confirmed(self, user, session_id):
        user.email_confirmed_at = None
        with pytest.raises(EmailNotConfirmed):
            mail(user, session_id)

    def test_is_limited_by_session_and_by_person(self, user, session_id):
        for _ in range(mailed_codes.MOST_OF_SESSION):
            mail(user, session_id)
        with pytest.raises(AttemptsExhausted) as refusal:
            mail(user, session_id, now=NOW + 10 * MINUTE)
        assert refusal.value.retry_after == 50 * 60
        for _ in range(mailed_codes.MOST_OF_USER - mailed_codes.MOST_OF_SESSION):
            mail(user, uuid7())
        with pytest.raises(AttemptsExhausted):
            mail(user, uuid7())
        assert OutgoingMail.objects.count() == mailed_codes.MOST_OF_USER
        mail(user, session_id, now=NOW + 61 * MINUTE)

    def test_is_not_sent_when_the_address_has_changed_meanwhile(self, user, session_id):
        mail(user, session_id)
        type(user).objects.filter(pk=user.pk).update(email="other@example.com", email_folded="other@example.com")
        assert mailbox.work() == []


class TestShow:
    def test_ends_what_the_finding_asks_for_once(self, user, session_id):
        code = mail(user, session_id)
        authenticated_at = Session.objects.get(pk=session_id).authenticated_at
        show(user, session_id, f" {code[:4]}-{code[4:]} ")
        session = Session.objects.get(pk=session_id)
        assert (session.step_up_until, session.authenticated_at) == (None, authenticated_at)
        event = SecurityEvent.objects.get(type="authentication.reauthenticated")
        assert (event.session_id, event.data) == (session_id, {"amr": ["otp"]})
        with pytest.raises(MfaCodeInvalid):
            show(user, session_id, code)

    def test_accepts_an_earlier_mail_that_came_late(self, user, session_id):
        first = mail(user, session_id)
        mail(user, session_id, now=NOW + MINUTE)
        show(user, session_id, first, now=NOW + 2 * MINUTE)
        assert not is_marked(session_id)

    @pytest.mark.parametrize("presented", ["", "0", "00000000x1", "１２３４５６７８", "\ud800"])
    def test_refuses_what_is_no_code(self, user, session_id, presented):
        mail(user, session_id)
        with pytest.raises(MfaCodeInvalid):
            show(user, session_id, presented)
        event = SecurityEvent.objects.get(type="authentication.reauthentication_failed")
        assert event.risk_reasons == ["wrong_code"]
        assert is_marked(session_id)

    def test_refuses_the_code_after_ten_minutes_and_in_another_session(self, user, session_id):
        code, other = mail(user, session_id), open_session(user=user, now=NOW).session_id
        with pytest.raises(MfaCodeInvalid):
            show(user, other, code)
        with pytest.raises(MfaCodeInvalid):
            show(user, session_id, code, now=NOW + mailed_codes.CODE_TTL)
        assert is_marked(session_id)

    def test_allows_five_guesses_at_a_code(self, user, session_id):
        code = mail(user, session_id)
        wrong = f"{(int(code) + 1) % 10**8:08d}"
        for _ in range(MAX_WRONG_CODES):
            with pytest.raises(MfaCodeInvalid):
                show(user, session_id, wrong)
        with pytest.raises(MfaCodeInvalid):
            show(user, session_id, code)
        show(user, session_id, mail(user, session_id))

    def test_does_not_use_the_code_up_in_a_session_that_has_ended(self, user, session_id):
        code = mail(user, session_id)
        Session.objects.update(ended_at=NOW, end_reason="logout")
        with pytest.raises(SessionRevoked):
            show(user, session_id, code)
        assert ProofCode.objects.get().used_at is None

    def test_accepts_codes_that_were_mailed_before_the_secret_changed(self, user, session_id, settings):
        code = mail(user, session_id)
        settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
        settings.SECRET_KEY = "another secret of the same deployment, long enough"
        show(user, session_id, code)
        assert not is_marked(session_id)
