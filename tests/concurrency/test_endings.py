"""Refreshes that race with the end of their session: nothing survives it."""

import threading
from functools import partial

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.end_reasons import PASSWORD_CHANGE
from accounts.models import OutgoingMail
from security_events.models import SecurityEvent
from tests.factories.accounts import UserFactory
from tests.factories.tokens import PHONE, claims_of, family_of, open_session
from tokens import errors
from tokens.access_tokens.keyring import keyring
from tokens.end_reasons import ADMINISTRATOR, LOGOUT
from tokens.models import Session, SigningKey, TokenFamily
from tokens.services import issuing, keys, revocation, rotation, verification
from tokens.signals import family_compromised

ROUNDS = 25


class Refresher:
    """A client that refreshes without pause until it is told that its session ended."""

    def __init__(self, pair):
        self.pairs = [pair]
        self.is_under_way = threading.Event()

    def __call__(self):
        while len(self.pairs) < 1000:
            try:
                self.pairs.append(rotation.rotate(presented=self.pairs[-1].refresh_token, now=timezone.now()))
            except errors.SessionRevoked:
                return "ended"
            if len(self.pairs) > 2:
                self.is_under_way.set()
        return "never ended"


def assert_dead(pair):
    with pytest.raises(errors.SessionRevoked):
        rotation.rotate(presented=pair.refresh_token, now=timezone.now())
    with pytest.raises(errors.SessionRevoked):
        verification.authenticate(presented=pair.access_token, now=timezone.now())


def after(refreshers, action):
    """Return what acts once all of them are in full swing."""

    def act():
        for refresher in refreshers:
            assert refresher.is_under_way.wait(timeout=120)
        return action()

    return act


class TestSignOut:
    @pytest.mark.parametrize("everywhere", [False, True])
    def test_ends_a_session_that_is_being_refreshed(self, at_once, everywhere):
        for _ in range(ROUNDS):
            pair = open_session()
            refresher = Refresher(pair)
            claims = claims_of(pair)

            def log_out(claims=claims):
                return revocation.log_out(claims=claims, everywhere=everywhere, now=timezone.now())

            results = at_once(refresher, after([refresher], log_out))

            assert results == ["ended", 1]
            for got in (refresher.pairs[0], refresher.pairs[-2], refresher.pairs[-1]):
                assert_dead(got)
            assert SecurityEvent.objects.filter(session_id=pair.session_id, type="session.revoked").count() == 1

    def test_ends_all_sessions_that_are_being_refreshed(self, at_once):
        for _ in range(ROUNDS // 2):
            user = UserFactory()
            refreshers = [Refresher(open_session(user=user)) for _ in range(4)]
            end = after(
                refreshers,
                lambda user=user: revocation.end_sessions(user_id=user.pk, reason=ADMINISTRATOR, now=timezone.now()),
            )
            results = at_once(*refreshers, end, end)

            assert results[:4] == ["ended"] * 4
            assert sorted(results[4:]) == [0, 4]
            assert not TokenFamily.objects.filter(user=user, is_revoked=False).exists()
            assert not Session.objects.filter(user=user, ended_at__isnull=True).exists()
            for refresher in refreshers:
                assert_dead(refresher.pairs[-1])


class TestPasswordChange:
    def change(self, user, session_id):
        with transaction.atomic():
            type(user).objects.select_for_update().get(pk=user.pk)
            revocation.end_sessions(
                user_id=user.pk, reason=PASSWORD_CHANGE, keep_session_id=session_id, now=timezone.now()
            )
            return issuing.replace_family(session_id=session_id, user=user, reason=PASSWORD_CHANGE, now=timezone.now())

    def test_leaves_one_session_with_its_new_tokens(self, at_once):
        for _ in range(ROUNDS):
            user = UserFactory()
            refreshers = [Refresher(open_session(user=user)) for _ in range(3)]
            kept = refreshers[0].pairs[0].session_id
            *results, new = at_once(
                *refreshers, after(refreshers, lambda user=user, kept=kept: self.change(user, kept))
            )

            assert results == ["ended"] * 3
            for refresher in refreshers:
                for pair in (refresher.pairs[0], refresher.pairs[-1]):
                    assert_dead(pair)
            assert Session.objects.get(user=user, ended_at__isnull=True).pk == new.session_id == kept
            assert verification.authenticate(presented=new.access_token, now=timezone.now())
            assert rotation.rotate(presented=new.refresh_token, now=timezone.now())
            assert TokenFamily.objects.filter(user=user, is_revoked=False).count() == 1


class TestSessionLimit:
    def sign_in(self, user):
        with transaction.atomic():
            type(user).objects.filter(pk=user.pk).update(version=user.version)
            return issuing.open_session(user=user, client=PHONE, amr=["pwd"], now=timezone.now())

    def test_holds_under_simultaneous_sign_ins(self, at_once):
        for _ in range(5):
            user = UserFactory()
            pairs = at_once(*[lambda user=user: self.sign_in(user)] * 12)

            living = set(Session.objects.filter(user=user, ended_at__isnull=True).values_list("pk", flat=True))
            assert len(living) == 5
            assert living < {pair.session_id for pair in pairs}
            assert TokenFamily.objects.filter(user=user, is_revoked=False).count() == 5
            evicted = SecurityEvent.objects.filter(actor_id=str(user.pk), type="session.evicted")
            assert evicted.count() == 7
            assert {event.session_id for event in evicted} | living == {pair.session_id for pair in pairs}

    def test_refuses_the_surplus_when_the_setting_says_so(self, at_once, settings):
        settings.TOKENS = {**settings.TOKENS, "SESSION_OVERFLOW": "reject"}
        for _ in range(5):
            user = UserFactory()
            results = at_once(*[lambda user=user: self.sign_in(user)] * 12)

            assert sum(isinstance(result, errors.SessionLimitReached) for result in results) == 7
            assert Session.objects.filter(user=user, ended_at__isnull=True).count() == 5

    def test_may_evict_a_session_that_is_being_refreshed(self, at_once, settings):
        settings.TOKENS = {**settings.TOKENS, "MAX_SESSIONS_PER_USER": 1}
        for _ in range(ROUNDS // 2):
            user = UserFactory()
            refresher = Refresher(open_session(user=user))
            result, newest = at_once(refresher, after([refresher], lambda user=user: self.sign_in(user)))

            assert result == "ended"
            assert_dead(refresher.pairs[-1])
            assert rotation.rotate(presented=newest.refresh_token, now=timezone.now())


class TestTheft:
    def test_is_recorded_logged_told_and_mailed_once_however_many_see_it(self, at_once, caplog):
        told = []

        def listen(**announcement):
            told.append(announcement["session_id"])

        family_compromised.connect(listen)
        for _ in range(10):
            first = open_session()
            owner = family_of(first).user_id
            second = rotation.rotate(presented=first.refresh_token, now=timezone.now())
            third = rotation.rotate(presented=second.refresh_token, now=timezone.now())
            results = at_once(
                *[lambda token=first.refresh_token: rotation.rotate(presented=token, now=timezone.now())] * 8
            )

            assert {type(result) for result in results} <= {errors.RefreshTokenReused, errors.SessionRevoked}
            assert any(isinstance(result, errors.RefreshTokenReused) for result in results)
            assert_dead(third)
            events = SecurityEvent.objects.filter(session_id=first.session_id, type="token.reuse_detected")
            assert events.count() == 1
            assert told.count(first.session_id) == 1
            warnings = [entry for entry in caplog.records if "refresh_token_reused" in str(entry.msg)]
            assert sum(str(first.session_id) in str(entry.msg) for entry in warnings) == 1
            mails = OutgoingMail.objects.filter(user_id=owner)
            assert [mail.kind for mail in mails] == ["session_ended_for_safety"]
        assert len(told) == 10


class TestUse:
    def test_of_access_tokens_never_brings_a_session_back(self, at_once):
        """Touching the session and ending it lock the same rows in the same order."""
        for _ in range(ROUNDS):
            pair = open_session()
            claims, user_id = claims_of(pair), family_of(pair).user_id

            def use(claims=claims):
                try:
                    return verification.authenticate_claims(claims=claims, now=timezone.now()) and "used"
                except errors.SessionRevoked:
                    return "ended"

            *results, ended = at_once(
                *[use] * 4,
                lambda user_id=user_id: revocation.end_sessions(user_id=user_id, reason=LOGOUT, now=timezone.now()),
            )
            assert set(results) <= {"used", "ended"}
            assert ended == 1
            assert_dead(pair)


class TestFirstKey:
    def test_is_made_once(self, at_once, now):
        SigningKey.objects.all().delete()
        made = at_once(*[lambda: keys.ensure_first(now=now)] * 8)

        assert sum(key is not None for key in made) == 1
        assert not any(isinstance(key, Exception) for key in made)
        key = SigningKey.objects.get()
        assert SecurityEvent.objects.filter(type="key.created", target_id=key.kid).count() == 1

    def test_is_made_once_by_those_who_want_to_sign(self, at_once):
        SigningKey.objects.all().delete()
        keyring.clear()
        pairs = at_once(*[open_session] * 6)

        key = SigningKey.objects.get()
        assert [jwk["kid"] for jwk in keyring.jwks()] == [key.kid]
        for pair in pairs:
            assert verification.authenticate(presented=pair.access_token, now=timezone.now())
