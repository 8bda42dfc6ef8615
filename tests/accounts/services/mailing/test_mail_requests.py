import pytest
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts.errors import DetailsInvalid
from accounts.services.mailing import mail_requests
from accounts.services.mailing.mail_requests import RequestedMail
from cedrina_base.uuids import uuid7
from tests import mailbox
from tests.factories.accounts import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_queue")]


class TestSubmit:
    @pytest.mark.parametrize(
        ("requested", "event"),
        [
            (RequestedMail.RESET, "password.reset_requested"),
            (RequestedMail.CONFIRMATION, "email.confirmation_requested"),
        ],
    )
    def test_records_it_and_leaves_a_job_in_which_the_address_cannot_be_read(self, requested, event, events):
        mail_requests.submit(requested=requested, email="mina@example.com", now=timezone.now())

        job = ProcrastinateJob.objects.get()
        assert set(job.args) == {"wish", "sealed_address", "mail_id"}
        assert "mina" not in str(job.args)
        assert "mina@" not in str(vars(events(event).get()))

    def test_refuses_what_is_no_address(self):
        with pytest.raises(DetailsInvalid) as refusal:
            mail_requests.submit(requested=RequestedMail.RESET, email="mina@@example.com", now=timezone.now())

        assert [(problem.field, problem.code) for problem in refusal.value.problems] == [("email", "email_invalid")]
        assert not ProcrastinateJob.objects.exists()


@pytest.mark.django_db(transaction=True)
class TestSubmitAtTheDatabase:
    @pytest.mark.parametrize("requested", list(RequestedMail))
    def test_does_the_same_work_for_known_and_unknown_addresses(self, requested, counted, now):
        UserFactory(email="known@example.com")
        UserFactory(email="unconfirmed@example.com", email_confirmed_at=None)
        UserFactory(email="disabled@example.com", is_active=False)
        UserFactory(email="deleted@example.com", deleted_at=now)
        work = []
        for name in ("known", "unconfirmed", "disabled", "deleted", "unknown"):
            with counted() as statements:
                assert mail_requests.submit(requested=requested, email=f"{name}@example.com", now=now) is None
            work.append([statement.split("(")[0][:40] for statement in statements.sql])

        assert all(statements == work[0] for statements in work)
        assert len(work[0]) == 4


class TestProcess:
    def ask(self, requested, email):
        mail_requests.submit(requested=requested, email=email, now=timezone.now())
        return [(message.to, message.subject) for message in mailbox.work()]

    def test_sends_a_reset_link_in_any_spelling_of_the_address(self):
        UserFactory(email="Mina@example.com")

        assert self.ask(RequestedMail.RESET, "MINA@EXAMPLE.COM") == [(["Mina@example.com"], "Choose a new password")]

    def test_sends_a_confirmation_to_whom_it_is_due(self):
        UserFactory(email="new@example.com", email_confirmed_at=None)
        UserFactory(email="old@example.com")

        assert self.ask(RequestedMail.CONFIRMATION, "new@example.com") == [
            (["new@example.com"], "Confirm your e-mail address")
        ]
        assert self.ask(RequestedMail.CONFIRMATION, "old@example.com") == []

    @pytest.mark.parametrize("requested", list(RequestedMail))
    def test_sends_nothing_to_unknown_addresses_and_disabled_accounts(self, requested, now):
        UserFactory(email="disabled@example.com", is_active=False, email_confirmed_at=None)
        UserFactory(email="deleted@example.com", deleted_at=now, email_confirmed_at=None)

        for name in ("disabled", "deleted", "unknown"):
            assert self.ask(requested, f"{name}@example.com") == []

    def test_of_a_job_that_runs_twice_is_one_mail(self):
        UserFactory(email="mina@example.com")
        mail_requests.submit(requested=RequestedMail.RESET, email="mina@example.com", now=timezone.now())
        arguments = ProcrastinateJob.objects.get().args

        mail_requests.process(
            requested=RequestedMail.RESET,
            sealed_address=arguments["sealed_address"],
            mail_id=arguments["mail_id"],
            now=timezone.now(),
        )

        assert len(mailbox.work()) == 1

    def test_lets_go_of_what_no_key_opens(self):
        mail_requests.process(
            requested=RequestedMail.RESET, sealed_address="gone:AAAA", mail_id=uuid7(), now=timezone.now()
        )

        assert mailbox.queued() == []
