"""The mail about new incidents: from the notice through the job to a message without personal data."""

import pytest
from django.conf import settings as django_settings
from django.utils import timezone, translation
from django.utils.translation import gettext
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts.services.mailing import incident_mail
from cedrina_base.uuids import uuid7
from security_events.services.detection import incident_notices
from tests.factories.incidents import NETWORK, open_incident

pytestmark = pytest.mark.django_db

NOW = timezone.now()
ACCOUNT = "0197a3c0-0000-7c4d-9f00-2b6f1c9a7d10"


@pytest.fixture
def addresses(settings):
    found = ["soc@example.com", "ops@example.com"]
    settings.ACCOUNTS = {**settings.ACCOUNTS, "INCIDENT_MAIL": found, "PUBLIC_URL": "https://id.example.com"}
    return found


def jobs():
    return list(ProcrastinateJob.objects.filter(task_name=incident_mail.SEND_TASK))


def test_goes_to_all_addresses_and_names_nobody(addresses, mailoutbox):
    incident = open_incident(now=NOW, subject=ACCOUNT, is_account=True)
    incident_notices.tell(now=NOW)
    (job,) = jobs()
    assert set(job.args) == {"mail_id", "incidents", "others"}
    incident_mail.send(mail_id=uuid7(), incident_ids=job.args["incidents"], others=job.args["others"])

    (mail,) = mailoutbox
    assert (mail.to, mail.subject) == (addresses, "1 new security incident")
    for text in (mail.body, mail.alternatives[0][0]):
        assert "Stolen passwords tried from one network (high)" in text
        assert f"https://id.example.com/admin/security_events/incident/{incident.pk}/change/" in text
        assert ACCOUNT not in text
        assert NETWORK not in text
        assert "Hello" not in text
        assert "your account" not in text


def test_sums_up_in_the_language_of_the_installation(addresses, settings, mailoutbox):
    settings.LANGUAGE_CODE = "fa"
    rows = [open_incident(now=NOW, key=str(number)) for number in range(2)]
    incident_mail.send(mail_id=uuid7(), incident_ids=[row.pk for row in rows], others=5)
    (mail,) = mailoutbox
    assert "7" in mail.subject
    assert not mail.subject.isascii()
    assert 'dir="rtl"' in mail.alternatives[0][0]
    with translation.override("fa"):
        footer = gettext("This mail is for the operators of %(app_name)s.").partition("%")[0]
    for text in (mail.body, mail.alternatives[0][0]):
        assert footer in text
        assert "سلام" not in text  # nobody is greeted
    assert "https://id.example.com/admin/security_events/incident/?status=unresolved" in mail.body


def test_without_addresses_enqueues_nothing():
    assert django_settings.ACCOUNTS["INCIDENT_MAIL"] == []
    open_incident(now=NOW)
    assert incident_notices.tell(now=NOW) == 1
    assert jobs() == []


def test_of_deleted_incidents_is_not_sent(addresses, mailoutbox):
    incident_mail.send(mail_id=uuid7(), incident_ids=[uuid7()], others=0)
    assert mailoutbox == []
