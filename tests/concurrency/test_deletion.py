"""Deletions that race with sign-ins, restorations, other deletions and other erasers."""

import time
from datetime import timedelta
from functools import partial

import pytest
from django.db import connection
from django.utils import timezone

from accounts.errors import CredentialsInvalid, LastAdministrator
from accounts.models import User
from accounts.services.profile import deletion, erasure
from accounts.services.sign_in import password_sign_in
from security_events.models import SecurityEvent
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.tokens import PHONE, open_session
from tokens.models import Session

ROUNDS = 12


def sign_in(name, delay):
    time.sleep(delay)
    return password_sign_in.sign_in(name=name, password=PASSWORD, client=PHONE, now=timezone.now())


def delete(user, pair, delay):
    time.sleep(delay)
    return deletion.request(user=user, session_id=pair.session_id, password=PASSWORD, now=timezone.now())


class TestADeletion:
    def test_survives_no_sign_in_that_races_with_it(self, at_once):
        for number in range(ROUNDS):
            user = UserFactory(username=f"racer{number}", raw_password=PASSWORD)
            pair = open_session(user=user)
            # Spread over the time that a hash takes, so that some sign-ins come before the deletion and some after.
            sign_ins = [partial(sign_in, user.username, step * 0.002) for step in range(4)]
            outcomes = at_once(partial(delete, user, pair, 0.004 * (number % 3)), *sign_ins)

            assert not isinstance(outcomes[0], Exception), outcomes[0]
            signed_in = [found for found in outcomes[1:] if isinstance(found, password_sign_in.SignedIn)]
            refused = [found for found in outcomes[1:] if isinstance(found, CredentialsInvalid)]
            assert len(signed_in) + len(refused) == 4, outcomes
            assert not Session.objects.filter(user=user, ended_at__isnull=True).exists()

    def test_of_the_last_two_administrators_leaves_one(self, at_once):
        for _ in range(ROUNDS):
            User.objects.all().delete()
            pair = [UserFactory(admin=True, raw_password=PASSWORD) for _ in range(2)]
            outcomes = at_once(
                *(partial(deletion.close, user=user, reason="both go", now=timezone.now()) for user in pair)
            )

            assert sorted(map(type, outcomes), key=str) == sorted([bool, LastAdministrator], key=str), outcomes
            assert User.objects.present().filter(is_superuser=True).count() == 1


class TestAnErasure:
    def test_by_several_at_once_erases_each_person_once(self, at_once, monkeypatch):
        monkeypatch.setattr(erasure, "BATCH_SIZE", 3)
        long_ago = timezone.now() - timedelta(days=40)
        ids = [str(UserFactory(deleted_at=long_ago).pk) for _ in range(40)]

        counts = at_once(*[partial(erasure.erase_due, now=timezone.now())] * 4)

        assert sum(counts) == 40, counts
        assert SecurityEvent.objects.filter(type="account.erased", target_id__in=ids).count() == 40

    def test_restores_an_account_or_erases_it_but_nothing_between(self, at_once):
        operator = UserFactory(admin=True)
        for _ in range(ROUNDS):
            user = UserFactory(deleted_at=timezone.now() - timedelta(days=40))
            open_session(user=user)
            restored, erased = at_once(
                partial(deletion.restore, user=user, by=operator, reason="back", now=timezone.now()),
                partial(erasure.erase_due, now=timezone.now()),
            )

            assert (restored, erased) in ((True, 0), (False, 1)), (restored, erased)
            assert User.objects.present().filter(pk=user.pk).exists() == restored
            assert Session.objects.filter(user_id=user.pk).exists() == restored
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM procrastinate_jobs")
