from datetime import timedelta

import pytest

from accounts.access.models import IdempotentRequest
from accounts.models import (
    Ceremony,
    FactorLock,
    ImportRun,
    MailedToken,
    OutgoingMail,
    PendingRegistration,
    PresentedToken,
    ProofCode,
    SecondFactorReset,
    SignInChallenge,
    SocialAuthorization,
    TotpEnrolment,
)
from accounts.services.factors import passkeys, sign_in_challenges, totp_enrolment
from accounts.services.mailing import delivery, mail_queue, registration_mail
from accounts.services.profile import purging
from cedrina_base import batch_deletion
from cedrina_base.uuids import uuid7
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
ROWS = (
    Ceremony,
    FactorLock,
    IdempotentRequest,
    ImportRun,
    MailedToken,
    OutgoingMail,
    PendingRegistration,
    PresentedToken,
    ProofCode,
    SecondFactorReset,
    SignInChallenge,
    SocialAuthorization,
    TotpEnrolment,
)


def purged(now):
    """Purge, and return the counts that are not zero."""
    counts = purging.purge_expired(now=now)
    assert set(counts) == {model._meta.model_name for model in ROWS}
    return {name: count for name, count in counts.items() if count}


def authorization(number, *, expires_at):
    return SocialAuthorization.objects.create(
        digest=bytes([number]) * 32,
        provider="fake",
        redirect_uri="x",
        nonce="n",
        code_verifier="v",
        created_at=expires_at,
        expires_at=expires_at,
    )


class TestPurgeExpired:
    def test_deletes_unfinished_processes(self, now):
        user = UserFactory()
        totp_enrolment.begin(user=user, now=now)
        sign_in_challenges.issue(user=user, amr=["pwd"], now=now)
        passkeys.begin(now=now)
        authorization(1, expires_at=now + 5 * MINUTE)

        assert purged(now + 15 * MINUTE) == {}
        assert purged(now + 16 * MINUTE) == {"ceremony": 1, "signinchallenge": 1, "socialauthorization": 1}
        assert purged(now + 26 * MINUTE) == {"totpenrolment": 1}

    def test_forgets_idempotency_keys_when_they_have_expired(self, now):
        for number in range(2):
            IdempotentRequest.objects.create(
                caller="x", key_digest=bytes([number]), request_digest=b"x", expires_at=now + number * MINUTE
            )

        assert purged(now) == {"idempotentrequest": 1}

    def test_keeps_presented_tokens_longer_than_they_could_be_accepted(self, now):
        assert PresentedToken.objects.remember(digest=b"1" * 32, expires_at=now)

        assert purged(now + HOUR) == {}
        assert purged(now + HOUR + MINUTE) == {"presentedtoken": 1}

    def test_deletes_old_mail_and_its_tokens(self, now):
        user = UserFactory()
        for age in (1, 29, 38):
            at = now - age * DAY
            mail_id = mail_queue.enqueue(user_id=user.pk, kind=mail_queue.MailKind.PASSWORD_CHANGED, now=at)
            delivery.deliver(mail_id=mail_id, now=at)

        assert purged(now) == {"mailedtoken": 1, "outgoingmail": 1}
        assert purged(now) == {}

    def test_deletes_expired_registrations_with_their_mail(self, now):
        for number in range(3):
            PendingRegistration.objects.create(
                username=f"waits-{number}",
                email="mina@example.com",
                email_folded="mina@example.com",
                password="!",
                created_at=now - DAY,
                expires_at=now - number * 5 * MINUTE,
            )
        registration_mail.enqueue_again(address="mina@example.com", mail_id=uuid7(), now=now - MINUTE)
        assert OutgoingMail.objects.count() == 1

        assert purged(now + 9 * MINUTE) == {"pendingregistration": 2}
        assert purged(now + 11 * MINUTE) == {"pendingregistration": 1}
        assert not OutgoingMail.objects.exists()

    def test_deletes_finished_imports_and_keeps_those_that_can_be_continued(self, now):
        for number, finished_at in enumerate([None, now - 29 * DAY, now - 31 * DAY]):
            ImportRun.objects.create(
                digest=bytes([number]) * 32, source="x", format="x", started_at=now - 90 * DAY, finished_at=finished_at
            )

        assert purged(now) == {"importrun": 1}
        assert ImportRun.objects.filter(finished_at=None).count() == 1

    def test_deletes_resets_a_month_after_they_ended_and_none_that_wait(self, now):
        for days in (None, 29, 31):
            ended = {} if days is None else {"closed_at": now - days * DAY, "outcome": "stopped"}
            times = {"requested_at": now - 90 * DAY, "wait": DAY, "due_at": now - 89 * DAY}
            SecondFactorReset.objects.create(user=UserFactory(), notice_id=uuid7(), **times, **ended)

        assert purged(now) == {"secondfactorreset": 1}
        assert SecondFactorReset.objects.count() == 2

    def test_works_in_batches(self, now, monkeypatch):
        monkeypatch.setattr(batch_deletion, "BATCH_SIZE", 2)
        for _ in range(5):
            passkeys.begin(now=now)

        assert purged(now + HOUR) == {"ceremony": 5}
