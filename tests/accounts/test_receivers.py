import uuid
from datetime import timedelta

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob

from tests.factories.accounts import UserFactory
from tokens import signals
from tokens.types import ClientContext

SOMEBODY = ClientContext(
    ip_address="198.51.100.9", user_agent="Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
)


@pytest.mark.django_db
@pytest.mark.usefixtures("empty_queue")
class TestNotifyTokenReuse:
    def test_mails_the_user_whose_token_was_used_twice(self):
        user = UserFactory()

        results = signals.family_compromised.send_robust(
            None, user_id=user.pk, session_id=uuid.uuid4(), family_id=uuid.uuid4()
        )

        assert not any(isinstance(result, Exception) for _receiver, result in results)
        job = ProcrastinateJob.objects.get()
        assert (job.args["kind"], job.args["user_id"]) == ("session_ended_for_safety", str(user.pk))


@pytest.mark.django_db
@pytest.mark.usefixtures("empty_queue")
class TestNotifyUseElsewhere:
    def tell(self, user, *, session_id, now):
        signals.repeated_elsewhere.send(
            None, user_id=user.pk, session_id=session_id, family_id=uuid.uuid4(), client=SOMEBODY, now=now
        )

    def test_mails_the_user_where_their_session_was_used(self, now):
        user = UserFactory()
        self.tell(user, session_id=uuid.uuid4(), now=now)

        job = ProcrastinateJob.objects.get()
        assert (job.args["kind"], job.args["user_id"]) == ("session_used_elsewhere", str(user.pk))
        assert job.args["details"] == {"device": "Firefox on Linux", "ip_address": "198.51.100.9"}

    def test_mails_once_a_day_about_one_session(self, now):
        user, session_id = UserFactory(), uuid.uuid4()
        for hours in (0, 1, 11, 12, 13):  # from noon
            self.tell(user, session_id=session_id, now=now + timedelta(hours=hours))
        self.tell(user, session_id=uuid.uuid4(), now=now)

        assert ProcrastinateJob.objects.count() == 3
