"""The key of refresh tokens is rotated while sessions go on; in an emergency those of former keys end."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.end_reasons import PASSWORD_CHANGE
from security_events.models import SecurityEvent
from tests.factories.accounts import UserFactory
from tests.factories.tokens import family_of, open_session
from tokens import errors
from tokens.end_reasons import LOGOUT
from tokens.models import RefreshKeyEpoch, Session
from tokens.refresh_tokens import secrets
from tokens.refresh_tokens.key_epochs import RefreshKeyEpochs, refresh_epochs
from tokens.services import introspection, issuing, refresh_keys, revocation, rotation

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def nothing_heard():
    refresh_epochs.clear()
    yield
    refresh_epochs.clear()


def epoch_of(token):
    return secrets.parse_refresh_token(token).key_epoch


def rotate_elsewhere(now, *, emergency=False):
    """Rotate in another process, which does not notify this one."""
    row = refresh_keys.rotate(now=now, emergency=emergency)
    refresh_epochs.clear()
    return row


class TestRotate:
    def test_begins_the_next_epoch(self, now):
        assert refresh_keys.rotate(now=now).current == 2
        assert refresh_keys.rotate(now=now).current == 3

        row = RefreshKeyEpoch.objects.get()
        assert (row.current, row.minimum, row.changed_at) == (3, 1, now)
        event = SecurityEvent.objects.filter(type="key.refresh_rotated").latest("id")
        assert event.data == {"emergency": False, "epoch": 3, "minimum_epoch": 1}

    def test_goes_on_from_the_setting(self, now, settings):
        settings.TOKENS = {**settings.TOKENS, "REFRESH_KEY_EPOCH": 7}

        assert epoch_of(open_session(now=now).refresh_token) == 7
        assert refresh_keys.rotate(now=now).current == 8

    @pytest.mark.parametrize("hears", [True, False], ids=["this process", "another process"])
    def test_moves_each_family_with_its_next_refresh_and_signs_nobody_out(self, now, hears):
        pairs = [open_session(now=now) for _ in range(3)]
        (refresh_keys.rotate if hears else rotate_elsewhere)(now=now)
        for pair in pairs:
            new = rotation.rotate(presented=pair.refresh_token, now=now + MINUTE)
            assert epoch_of(new.refresh_token) == family_of(pair).key_epoch == 2
            # The reply may be lost, and the token before it be of the former epoch.
            again = rotation.rotate(presented=pair.refresh_token, now=now + 2 * MINUTE)
            assert again.refresh_token == new.refresh_token
            assert rotation.rotate(presented=new.refresh_token, now=now + 3 * MINUTE)

    def test_takes_one_statement_of_a_refresh_once_it_is_known(self, now, django_assert_num_queries):
        pair = open_session(now=now)
        rotate_elsewhere(now)
        pair = rotation.rotate(presented=pair.refresh_token, now=now)
        with django_assert_num_queries(1):
            rotation.rotate(presented=pair.refresh_token, now=now)

    def test_is_heard_of_by_a_sign_in(self, now, django_assert_num_queries):
        rotate_elsewhere(now)
        pair = open_session(now=now)

        assert epoch_of(pair.refresh_token) == family_of(pair).key_epoch == 2
        assert rotation.rotate(presented=pair.refresh_token, now=now)

    def test_is_heard_of_by_a_new_family_of_a_session(self, now):
        user = UserFactory()
        pair = open_session(user=user, now=now)
        rotate_elsewhere(now)
        pair = issuing.replace_family(session_id=pair.session_id, user=user, reason=PASSWORD_CHANGE, now=now)

        assert epoch_of(pair.refresh_token) == family_of(pair).key_epoch == 2
        assert rotation.rotate(presented=pair.refresh_token, now=now)

    def test_ends_with_the_last_epoch(self, now, settings):
        settings.TOKENS = {**settings.TOKENS, "REFRESH_KEY_EPOCH": 255}

        with pytest.raises(errors.RefreshEpochsExhausted):
            refresh_keys.rotate(now=now)

    @pytest.mark.parametrize(("current", "minimum"), [(2, 3), (1, 0), (256, 1)])
    def test_keeps_its_row_in_order(self, now, current, minimum):
        with pytest.raises(IntegrityError), transaction.atomic():
            RefreshKeyEpoch.objects.create(current=current, minimum=minimum, changed_at=now)


@pytest.mark.attack("NIST SP 800-57, 8.3.5")
class TestAnEmergency:
    @pytest.mark.parametrize("hears", [True, False], ids=["this process", "another process"])
    def test_refuses_tokens_of_former_epochs_at_once(self, now, hears):
        owner = UserFactory()
        pair = open_session(user=owner, now=now)
        (refresh_keys.rotate if hears else rotate_elsewhere)(now=now, emergency=True)

        with pytest.raises(errors.RefreshTokenInvalid):
            rotation.rotate(presented=pair.refresh_token, now=now)
        assert introspection.introspect(token=pair.refresh_token, asker=owner, now=now) == introspection.INACTIVE
        assert not revocation.revoke_token(presented=pair.refresh_token, now=now)
        assert Session.objects.get(pk=pair.session_id).ended_at is None
        event = SecurityEvent.objects.get(session_id=pair.session_id, type="token.refresh_rejected")
        assert event.risk_reasons == ["epoch_refused"]

    def test_refuses_the_token_before_of_a_former_epoch(self, now):
        first = open_session(now=now)
        refresh_keys.rotate(now=now)
        rotation.rotate(presented=first.refresh_token, now=now)
        RefreshKeyEpoch.objects.update(minimum=2)

        with pytest.raises(errors.RefreshTokenInvalid):
            rotation.rotate(presented=first.refresh_token, now=now + SECOND)

    def test_accepts_what_was_made_since(self, now):
        rotate_elsewhere(now, emergency=True)
        pair = open_session(now=now)

        assert rotation.rotate(presented=pair.refresh_token, now=now)

    def test_ends_the_sessions_that_have_nothing_else(self, now, monkeypatch):
        monkeypatch.setattr(refresh_keys, "_BATCH", 2)
        old = [open_session(now=now) for _ in range(5)]
        refresh_keys.rotate(now=now, emergency=True)
        new = open_session(now=now)
        told = []

        assert refresh_keys.end_refused_sessions(now=now, progress=told.append) == 5
        assert told == [2, 4, 5]
        assert refresh_keys.end_refused_sessions(now=now) == 0
        for pair in old:
            assert Session.objects.get(pk=pair.session_id).end_reason == "administrator"
            with pytest.raises(errors.SessionRevoked):
                rotation.rotate(presented=pair.refresh_token, now=now)
        assert Session.objects.get(pk=new.session_id).ended_at is None


class TestSessionsBefore:
    def test_counts_living_ones(self):
        now = timezone.now()
        open_session(now=now - timedelta(days=8))
        ended = open_session(now=now)
        revocation.end_session(session_id=ended.session_id, user_id=family_of(ended).user_id, reason=LOGOUT, now=now)
        open_session(now=now)
        refresh_keys.rotate(now=now)
        open_session(now=now)

        assert refresh_keys.sessions_before(epoch=2, now=now) == 1


class TestRefreshEpochs:
    def test_begins_with_the_setting(self, settings):
        settings.TOKENS = {**settings.TOKENS, "REFRESH_KEY_EPOCH": 3}

        assert RefreshKeyEpochs().current == 3

    def test_learns_what_is_newer(self):
        epochs = RefreshKeyEpochs()
        assert not epochs.update(current=None, minimum=None)
        assert epochs.update(current=4, minimum=2)
        assert not epochs.update(current=4, minimum=4)
        assert epochs.update_current(5)
        assert not epochs.update_current(None)

        assert (epochs.accepts(3), epochs.accepts(4)) == (False, True)
