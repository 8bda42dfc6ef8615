import uuid

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob

from tests.factories.accounts import UserFactory
from tokens import signals


@pytest.mark.django_db
@pytest.mark.usefixtures("empty_queue")
class TestTellOfTheft:
    def test_writes_to_the_person_whose_token_came_twice(self):
        user = UserFactory()

        results = signals.family_compromised.send_robust(
            None, user_id=user.pk, session_id=uuid.uuid4(), family_id=uuid.uuid4()
        )

        assert not any(isinstance(result, Exception) for _receiver, result in results)
        job = ProcrastinateJob.objects.get()
        assert (job.args["kind"], job.args["user_id"]) == ("session_ended_for_safety", str(user.pk))
