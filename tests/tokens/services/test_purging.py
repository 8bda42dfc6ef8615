from datetime import timedelta

import pytest

from tests.factories.tokens import open_session
from tokens.models import Session, SigningKey, TokenFamily
from tokens.services import purging, rotation

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_keys")]

DAY = timedelta(days=1)
EXPIRED = 30 * DAY
FORGOTTEN = EXPIRED + 30 * DAY


class TestPurgeExpired:
    def test_deletes_what_is_long_past(self, now):
        old = open_session(now=now)
        young = open_session(now=now + DAY)

        assert purging.expired_sessions(now=now + FORGOTTEN) == 0
        later = now + FORGOTTEN + timedelta(seconds=1)
        assert purging.expired_sessions(now=later) == 1
        assert purging.purge_expired(now=later) == (1, 0)
        assert not Session.objects.filter(pk=old.session_id).exists()
        assert not TokenFamily.objects.filter(session_id=old.session_id).exists()
        assert Session.objects.filter(pk=young.session_id).exists()

    def test_has_nothing_to_do_a_second_time(self, now):
        open_session(now=now)
        later = now + FORGOTTEN + DAY
        purging.purge_expired(now=later)

        assert purging.purge_expired(now=later) == (0, 0)

    def test_keeps_one_that_lives(self, now):
        pair = open_session(now=now)
        purging.purge_expired(now=now + EXPIRED)

        assert rotation.rotate(presented=pair.refresh_token, now=now + DAY)

    @pytest.mark.slow
    def test_goes_in_batches_and_tells_how_far_it_is(self, now):
        sessions = [open_session(now=now)] and Session.objects.get()
        family = TokenFamily.objects.get()
        rows = Session.objects.bulk_create(
            Session(
                user_id=sessions.user_id,
                created_at=now,
                last_activity_at=now,
                authenticated_at=now,
                amr=["pwd"],
                expires_at=sessions.expires_at,
            )
            for _ in range(2100)
        )
        TokenFamily.objects.bulk_create(
            TokenFamily(
                user_id=row.user_id,
                session=row,
                token_hash=family.token_hash,
                key_epoch=1,
                created_at=now,
                rotated_at=now,
                expires_at=now,
            )
            for row in rows
        )
        told = []

        assert purging.purge_expired(now=now + FORGOTTEN + DAY, progress=told.append).sessions == 2101
        assert told == [1000, 2000, 2101]
        assert not TokenFamily.objects.exists()

    def test_deletes_keys_that_were_published_long_ago(self, now):
        key = SigningKey.objects.get()
        SigningKey.objects.update(expires_at=now)

        assert purging.purge_expired(now=now + EXPIRED).signing_keys == 0
        assert purging.purge_expired(now=now + EXPIRED + DAY).signing_keys == 1
        assert not SigningKey.objects.filter(pk=key.pk).exists()
