import json
from datetime import timedelta

import pytest
from allauth.socialaccount.models import SocialAccount, SocialToken
from django.apps import apps
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core import mail as outbox
from django.db import connection
from django.utils import timezone

from accounts import tasks
from accounts.access.models import IdempotentRequest, RoleGrant
from accounts.access.services.policy_changes import policy_change
from accounts.access.types import Author
from accounts.models import (
    FactorLock,
    ImportedPerson,
    PasswordHistory,
    ProofCode,
    ProviderToken,
    SignInFailures,
    SocialAuthorization,
    TotpEnrolment,
    User,
)
from accounts.providers.identity import ProviderTokens
from accounts.services.factors import factor_reset, lockouts, sign_in_challenges, totp_enrolment
from accounts.services.mailing import mail_queue, mail_requests
from accounts.services.passwords import password_changes
from accounts.services.profile import deletion, erasure, profile_changes
from accounts.services.sign_in import password_sign_in
from accounts.types import ProfileChange
from cedrina_base.uuids import uuid7
from security_events.models import SecurityEvent
from tests import mailbox
from tests.factories import social
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.factors import add_key, add_totp
from tests.stored_text import tables_with
from tokens.conf import token_settings
from tokens.models import Session, StepUpOrder, TokenFamily
from tokens.services.shared_signals import excluded_subjects, streams
from tokens.services.shared_signals.stream_owners import StreamOwner
from tokens.users import subject_of

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
NAMES = ("zerlina", "quetzal.person", "Zerlina Quetzalcoatl", "quetzalcoatl@private.example", "auth0|zerlina-7")


def rows_about_people():
    """Return the models of these apps whose rows belong to a user."""
    models = [
        model
        for app in ("accounts", "tokens", "mfa", "socialaccount")
        for model in apps.get_app_config(app).get_models()
    ]
    return [model for model in models if any(f.name == "user" and f.related_model is User for f in model._meta.fields)]


@pytest.fixture
def life(phone, now, empty_queue):
    """A user with a row in every table."""
    user = UserFactory(
        username="zerlina", email="quetzal.person@example.com", full_name="Zerlina Quetzalcoatl", raw_password=PASSWORD
    )
    signed_in = password_sign_in.sign_in(name="zerlina", password=PASSWORD, client=phone, now=now)
    profile_changes.update(user=signed_in.user, change=ProfileChange(locale="fa"), versions=None, now=timezone.now())
    password_changes.change(
        user=signed_in.user,
        session_id=signed_in.tokens.session_id,
        old_password=PASSWORD,
        new_password="copper lantern seven owls",
        now=now,
    )
    session_id = signed_in.tokens.session_id
    totp_enrolment.begin(user=user, now=timezone.now())
    enrolment = TotpEnrolment.objects.get()
    add_totp(user, session_id=session_id)
    enrolment.save(force_insert=True)
    add_key(user, session_id=session_id, name="zerlina's key")
    sign_in_challenges.issue(user=user, amr=["pwd"], now=timezone.now())  # with a ceremony
    lockouts.charge(
        user_id=user.pk, method="totp", source=lockouts.AttemptSource(network="203.0.113.7"), now=timezone.now()
    )
    tokens = ProviderTokens(access_token="zerlina-token", refresh_token="zerlina-refresh", expires_at=None)
    social.link(user, now=now, email="quetzalcoatl@private.example", tokens=tokens)
    SocialToken.objects.create(account=SocialAccount.objects.get(), token="zerlina-token")
    social.begin_linking(user, session_id=session_id, now=now)
    mail_queue.enqueue(user_id=user.pk, kind=mail_queue.MailKind.PASSWORD_CHANGED)
    factor_reset.request(user=user, by=None, reason="lost", now=now)
    mailbox.work()  # which makes the tokens
    mail_requests.submit(requested=mail_requests.RequestedMail.RESET, email="quetzal.person@example.com", now=now)
    ImportedPerson.objects.create(user=user, source="auth0", external_id="auth0|zerlina-7", imported_at=now)
    FactorLock.objects.create(pk=uuid7(), user=user, expires_at=now)
    ProofCode.objects.create(pk=uuid7(), user=user, session_id=session_id, created_at=now, expires_at=now)
    StepUpOrder.objects.create(pk=uuid7(), user=user, session=session_id, since=now, until=now)
    owner = StreamOwner(subject_of(user), user_id=user.pk)
    stream = streams.create(owner=owner, body={"description": "zerlina's stream"}, now=now)
    person = {"format": "iss_sub", "iss": token_settings.ISSUER, "sub": str(user.pk)}
    excluded_subjects.remove(owner=owner, stream_id=stream.pk, subject=person, now=now)
    with policy_change(author=Author(str(user.pk), "zerlina"), reason="ticket 7", now=now) as writer:
        writer.put_role("reader", {})
        writer.grant(f"user:{user.pk}", "reader")
    IdempotentRequest.objects.create(caller=str(user.pk), key_digest=b"x", request_digest=b"x", expires_at=now)
    LogEntry.objects.create(
        user=UserFactory(admin=True),
        content_type=ContentType.objects.get_for_model(User),
        object_id=str(user.pk),
        object_repr="zerlina",
        action_flag=CHANGE,
    )
    mail_queue.enqueue(user_id=user.pk, kind=mail_queue.MailKind.NEW_DEVICE, details={"device": "zerlina's phone"})
    return signed_in


def delete(life, at):
    deletion.request(user=life.user, session_id=life.tokens.session_id, password="copper lantern seven owls", now=at)


class TestEraseDue:
    def test_leaves_nothing_of_the_person_but_masked_events(self, life, now):
        for name in NAMES:
            assert tables_with(name), name
        assert SignInFailures.objects.filter(subject=str(life.user.pk)).exists()
        delete(life, now)

        assert erasure.erase_due(now=now + 30 * DAY) == 1

        for name in NAMES:
            assert tables_with(name) == [], name
        assert not User.objects.filter(pk=life.user.pk).exists()
        assert not Session.objects.exists()
        assert not TokenFamily.objects.exists()
        assert not PasswordHistory.objects.exists()
        assert not RoleGrant.objects.filter(subject=f"user:{life.user.pk}").exists()
        assert not IdempotentRequest.objects.exists()
        assert not SignInFailures.objects.filter(subject=str(life.user.pk)).exists()
        events = SecurityEvent.objects.filter(target_id=str(life.user.pk))
        kinds = set(events.values_list("type", flat=True))
        assert {"authentication.login_succeeded", "password.changed", "account.deletion_requested"} <= kinds
        assert set(events.values_list("target_name", flat=True)) <= {"ze***", "q***@example.com", ""}

    def test_leaves_no_row_that_refers_to_the_person(self, life, now):
        for model in rows_about_people():
            assert model.objects.filter(user=life.user).exists(), f"give the person of this test a {model.__name__}"
        assert ProviderToken.objects.exists()
        delete(life, now)

        erasure.erase_due(now=now + 30 * DAY)

        events = {table for table in tables_with(str(life.user.pk)) if table.startswith("security_events_event")}
        # As the trail, the history of the policy keeps the id of whoever changed it, which refers to nothing any more.
        assert set(tables_with(str(life.user.pk))) == {*events, "access_policyversion"}
        assert not ProviderToken.objects.exists()
        assert not SocialToken.objects.exists()

    def test_records_only_the_id(self, life, now, events):
        delete(life, now)
        erasure.erase_due(now=now + 30 * DAY)

        event = events("account.erased").get()
        assert (event.target_id, event.target_name, event.data) == (str(life.user.pk), "", {})

    def test_lets_the_name_be_taken_again(self, life, now):
        delete(life, now)
        erasure.erase_due(now=now + 30 * DAY)

        assert UserFactory(username="Zerlina", email="quetzal.person@example.com")

    def test_keeps_accounts_within_their_retention_and_accounts_not_deleted(self, life, now):
        UserFactory()
        delete(life, now)
        before = User.objects.count()

        assert erasure.count_due(now=now + 30 * DAY - timedelta(seconds=1)) == 0
        assert erasure.erase_due(now=now + 30 * DAY - timedelta(seconds=1)) == 0
        assert User.objects.count() == before
        assert erasure.count_due(now=now + 30 * DAY) == 1

    def test_keeps_restored_accounts(self, life, now):
        delete(life, now)
        deletion.restore(user=life.user, by=UserFactory(admin=True), reason="came back", now=timezone.now())

        assert erasure.erase_due(now=now + 300 * DAY) == 0

    def test_works_in_batches_and_reports_progress(self, now, monkeypatch):
        monkeypatch.setattr(erasure, "BATCH_SIZE", 2)
        for _ in range(5):
            UserFactory(deleted_at=now)
        seen = []

        assert erasure.erase_due(now=now + 30 * DAY, progress=seen.append) == 5
        assert seen == [2, 4, 5]
        assert erasure.erase_due(now=now + 30 * DAY) == 0

    def test_keeps_the_row_of_a_running_job_without_its_details(self, life, now):
        delete(life, now)
        with connection.cursor() as cursor:
            cursor.execute("UPDATE procrastinate_jobs SET status = 'doing' WHERE args ->> 'kind' = 'new_device'")
        erasure.erase_due(now=now + 30 * DAY)

        with connection.cursor() as cursor:
            cursor.execute("SELECT args FROM procrastinate_jobs WHERE args ->> 'user_id' = %s", [str(life.user.pk)])
            ((args,),) = cursor.fetchall()
        args = json.loads(args)
        assert set(args) == {"mail_id", "user_id", "kind", "occurred_at"}
        sent = len(outbox.outbox)
        tasks.send_mail(**args)
        assert len(outbox.outbox) == sent


class TestEraseNow:
    def test_does_not_wait_for_the_retention(self, life, now, events):
        delete(life, now)

        assert erasure.erase_now(user_id=life.user.pk, now=timezone.now())
        assert not erasure.erase_now(user_id=life.user.pk, now=timezone.now())

        assert tables_with("zerlina") == []
        assert events("account.erased").count() == 1

    def test_keeps_accounts_that_are_not_deleted(self, life):
        assert not erasure.erase_now(user_id=life.user.pk, now=timezone.now())
        assert User.objects.filter(pk=life.user.pk).exists()
