import uuid
from datetime import timedelta

import jwt
import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.end_reasons import PASSWORD_CHANGE
from cedrina_base.signed_tokens import token_digest
from security_events.models import SecurityEvent
from tests.factories.accounts import UserFactory
from tests.factories.tokens import PHONE, claims_of, family_of, open_admin_session, open_session
from tokens import errors
from tokens.access_tokens.keyring import keyring
from tokens.end_reasons import LOGOUT
from tokens.models import Session, SessionKind, TokenFamily
from tokens.refresh_tokens import secrets
from tokens.services import issuing, revocation, rotation, verification
from tokens.types import ClientContext

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


def with_tokens(settings, **changes):
    settings.TOKENS = {**settings.TOKENS, **changes}


def living(user, now):
    return [session.pk for session in Session.objects.live(at=now).filter(user=user).order_by("id")]


class TestOpenSession:
    def test_stores_the_session_as_its_owner_will_see_it(self, now):
        user = UserFactory()
        pair = open_session(user=user, now=now, amr=["pwd", "otp"])

        session = Session.objects.get(pk=pair.session_id)
        assert (session.user, session.ip_address, session.user_agent) == (user, "203.0.113.7", "Phone/1.0")
        assert session.created_at == session.last_activity_at == session.authenticated_at == now
        assert (session.amr, session.expires_at) == (["pwd", "otp"], now + 30 * DAY)
        assert (session.ended_at, session.end_reason) == (None, "")

    def test_stores_one_family_and_only_digests_of_its_token(self, now):
        pair = open_session(now=now)

        family = TokenFamily.objects.get(session_id=pair.session_id)
        assert (family.generation, family.confirmed_generation, family.key_epoch) == (1, 0, 1)
        assert bytes(family.token_hash) == token_digest(pair.refresh_token)
        assert family.previous_token_hash is None
        assert (family.created_at, family.rotated_at, family.expires_at) == (now, now, now + 7 * DAY)

    def test_answers_with_lifetimes_in_seconds(self, now):
        pair = open_session(now=now)

        assert pair.token_type == "Bearer"
        assert 15 * 60 * 0.95 - 1 <= pair.expires_in <= 15 * 60
        assert pair.refresh_expires_in == 7 * 86_400

    def test_never_lets_an_access_token_outlive_its_session(self, now, settings):
        with_tokens(settings, SESSION_IDLE_TTL=40 * SECOND, SESSION_ABSOLUTE_TTL=50 * SECOND)

        assert open_session(now=now).expires_in == 40

    def test_records_the_session_in_the_same_statement(self, now, events_of):
        user = UserFactory(username="ada")
        with transaction.atomic(), CaptureQueriesContext(connection) as captured:
            pair = issuing.open_session(user=user, client=PHONE, amr=["pwd"], now=now)
        assert len([query for query in captured if "SAVEPOINT" not in query["sql"]]) == 1

        (event,) = events_of(pair.session_id)
        assert (event.type, event.actor_id, event.actor_name) == ("session.created", str(user.pk), "ad***")
        assert (event.family_id, event.data) == (family_of(pair).family_id, {"amr": ["pwd"]})

    def test_is_undone_with_the_callers_transaction(self, now):
        user = UserFactory()
        with transaction.atomic():
            pair = issuing.open_session(user=user, client=PHONE, amr=["pwd"], now=now)
            transaction.set_rollback(True)

        assert not Session.objects.filter(user=user).exists()
        assert not SecurityEvent.objects.filter(session_id=pair.session_id).exists()

    def test_takes_any_client_there_is(self, now):
        nasty = ClientContext(ip_address=None, user_agent="a\0b\ud800" + "x" * 1000)
        session = Session.objects.get(pk=open_session(now=now, client=nasty).session_id)

        assert session.ip_address is None
        assert session.user_agent == "ab?" + "x" * 509

    def test_opens_one_that_is_accepted_at_once(self):
        pair = open_session()

        assert verification.authenticate(presented=pair.access_token, now=timezone.now())


class TestAccessToken:
    """The token as the contract describes it."""

    def test_has_the_header_of_the_contract(self, now):
        header = jwt.get_unverified_header(open_session(now=now).access_token)

        assert header == {"alg": "RS256", "typ": "at+jwt", "kid": header["kid"]}

    def test_has_the_claims_of_the_contract(self, now):
        user = UserFactory(admin=True)
        pair = open_session(user=user, now=now, amr=["pwd", "otp"])
        family = family_of(pair)

        payload = jwt.decode(pair.access_token, options={"verify_signature": False})
        assert payload == {
            "iss": "http://127.0.0.1:8000",
            "aud": "cedrina",
            "sub": str(user.pk),
            "exp": int(now.timestamp()) + pair.expires_in,
            "iat": int(now.timestamp()),
            "auth_time": int(now.timestamp()),
            "jti": str(uuid.UUID(payload["jti"])),
            "sid": str(pair.session_id),
            "family_id": str(family.family_id),
            "gen": 1,
            "amr": ["pwd", "otp"],
            "roles": ["admin"],
            "tier": "free",
        }

    def test_is_what_a_library_verifies(self, now):
        token = open_session(now=now).access_token
        kid = jwt.get_unverified_header(token)["kid"]
        (key,) = [key for key in jwt.PyJWKSet(keyring.jwks()).keys if key.key_id == kid]

        assert jwt.decode(token, key, algorithms=["RS256"], audience="cedrina", options={"verify_exp": False})

    def test_has_an_id_of_its_own(self, now):
        pair = open_session(now=now)
        other = rotation.rotate(presented=pair.refresh_token, now=now)

        assert claims_of(pair).jti != claims_of(other).jti

    def test_keeps_telling_when_the_person_was_authenticated(self, now):
        pair = open_session(now=now)
        later = rotation.rotate(presented=pair.refresh_token, now=now + DAY)

        payload = jwt.decode(later.access_token, options={"verify_signature": False})
        assert payload["auth_time"] == int(now.timestamp())
        assert payload["iat"] == int((now + DAY).timestamp())


class TestLimit:
    def test_ends_the_oldest_session_for_the_newcomer(self, now, events_of):
        user = UserFactory()
        pairs = [open_session(user=user, now=now + number * MINUTE) for number in range(6)]

        assert living(user, now + 6 * MINUTE) == [pair.session_id for pair in pairs[1:]]
        with pytest.raises(errors.SessionRevoked):
            rotation.rotate(presented=pairs[0].refresh_token, now=now + 6 * MINUTE)
        created, evicted = events_of(pairs[0].session_id)
        assert (created.type, evicted.type) == ("session.created", "session.evicted")
        assert (evicted.actor_id, evicted.data) == (str(user.pk), {"reason": "session_limit"})
        assert evicted.family_id == created.family_id
        ended = Session.objects.get(pk=pairs[0].session_id)
        assert (ended.ended_at, ended.end_reason) == (now + 5 * MINUTE, "session_limit")

    def test_ends_as_many_as_there_are_too_many(self, now, settings):
        user = UserFactory()
        pairs = [open_session(user=user, now=now + number * MINUTE) for number in range(5)]
        with_tokens(settings, MAX_SESSIONS_PER_USER=2)
        newest = open_session(user=user, now=now + 5 * MINUTE)

        assert living(user, now + 6 * MINUTE) == [pairs[4].session_id, newest.session_id]
        evicted = SecurityEvent.objects.filter(actor_id=str(user.pk), type="session.evicted")
        assert {event.session_id for event in evicted} == {pair.session_id for pair in pairs[:4]}

    def test_lets_one_session_be_enough(self, now, settings):
        with_tokens(settings, MAX_SESSIONS_PER_USER=1)
        user = UserFactory()
        open_session(user=user, now=now)
        second = open_session(user=user, now=now + SECOND)

        assert living(user, now + SECOND) == [second.session_id]

    def test_does_not_count_what_is_over(self, now, settings):
        with_tokens(settings, MAX_SESSIONS_PER_USER=2, SESSION_OVERFLOW="reject")
        user = UserFactory()
        ended = open_session(user=user, now=now)
        revocation.end_session(session_id=ended.session_id, user_id=user.pk, reason=LOGOUT, now=now)
        open_session(user=user, now=now)
        last = open_session(user=user, now=now + 6 * DAY)

        idle_for_too_long = now + 8 * DAY
        assert open_session(user=user, now=idle_for_too_long)
        assert last.session_id in living(user, idle_for_too_long)
        assert len(living(user, idle_for_too_long)) == 2

    def test_counts_a_session_once_that_has_a_new_family(self, now, settings):
        with_tokens(settings, MAX_SESSIONS_PER_USER=2, SESSION_OVERFLOW="reject")
        user = UserFactory()
        pair = open_session(user=user, now=now)
        issuing.replace_family(session_id=pair.session_id, user=user, reason=PASSWORD_CHANGE, now=now)

        assert open_session(user=user, now=now)

    def test_refuses_the_newcomer_when_the_setting_says_so(self, now, settings, events_of):
        with_tokens(settings, MAX_SESSIONS_PER_USER=2, SESSION_OVERFLOW="reject")
        user = UserFactory()
        pairs = [open_session(user=user, now=now) for _ in range(2)]
        before = SecurityEvent.objects.count()

        with pytest.raises(errors.SessionLimitReached):
            open_session(user=user, now=now)

        assert living(user, now) == [pair.session_id for pair in pairs]
        assert SecurityEvent.objects.count() == before

    def test_leaves_other_people_alone(self, now, settings):
        with_tokens(settings, MAX_SESSIONS_PER_USER=1)
        pair = open_session(now=now)
        open_session(now=now)

        assert rotation.rotate(presented=pair.refresh_token, now=now)


class TestReplaceFamily:
    def test_gives_the_session_new_tokens_and_kills_the_old_ones(self, now):
        user = UserFactory()
        old = open_session(user=user, now=now)
        new = issuing.replace_family(session_id=old.session_id, user=user, reason=PASSWORD_CHANGE, now=now + MINUTE)

        assert new.session_id == old.session_id
        for dead in (old.refresh_token,):
            with pytest.raises(errors.SessionRevoked):
                rotation.rotate(presented=dead, now=now + MINUTE)
        with pytest.raises(errors.SessionRevoked):
            verification.authenticate(presented=old.access_token, now=now + MINUTE)
        assert verification.authenticate(presented=new.access_token, now=now + MINUTE)
        assert rotation.rotate(presented=new.refresh_token, now=now + MINUTE)

    def test_keeps_the_sessions_own_end_and_notes_the_proof(self, now):
        user = UserFactory()
        pair = open_session(user=user, now=now, amr=["pwd", "otp"])
        issuing.replace_family(session_id=pair.session_id, user=user, reason=PASSWORD_CHANGE, now=now + 6 * DAY)

        session = Session.objects.get(pk=pair.session_id)
        assert (session.expires_at, session.authenticated_at) == (now + 30 * DAY, now + 6 * DAY)
        assert session.amr == ["pwd", "otp"]
        assert family_of(pair).expires_at == now + 13 * DAY

    def test_never_outlives_the_session(self, now, settings):
        user = UserFactory()
        with_tokens(settings, SESSION_IDLE_TTL=30 * DAY)
        pair = open_session(user=user, now=now)
        issuing.replace_family(session_id=pair.session_id, user=user, reason=PASSWORD_CHANGE, now=now + 20 * DAY)

        assert family_of(pair).expires_at == now + 30 * DAY

    def test_refuses_a_session_that_ended(self, now):
        user = UserFactory()
        pair = open_session(user=user, now=now)
        revocation.end_session(session_id=pair.session_id, user_id=user.pk, reason=LOGOUT, now=now)

        with pytest.raises(errors.SessionRevoked):
            issuing.replace_family(session_id=pair.session_id, user=user, reason=PASSWORD_CHANGE, now=now)

    def test_refuses_a_session_that_expired(self, now):
        user = UserFactory()
        pair = open_session(user=user, now=now)

        with pytest.raises(errors.SessionRevoked):
            issuing.replace_family(session_id=pair.session_id, user=user, reason=PASSWORD_CHANGE, now=now + 7 * DAY)

    def test_refuses_somebody_elses_session(self, now):
        pair = open_session(now=now)

        with pytest.raises(errors.SessionRevoked):
            issuing.replace_family(session_id=pair.session_id, user=UserFactory(), reason=PASSWORD_CHANGE, now=now)
        assert verification.authenticate(presented=pair.access_token, now=now)


class TestOpenAdminSession:
    def test_opens_a_session_without_a_refresh_token(self, now):
        user = UserFactory()
        session_id = open_admin_session(user=user, now=now, max_age=timedelta(hours=12))

        family = TokenFamily.objects.select_related("session").get()
        assert (family.session_id, family.session.kind) == (session_id, SessionKind.ADMIN)
        assert family.session.expires_at == family.expires_at == now + timedelta(hours=12)
        forged = secrets.mint_refresh_token(family_id=family.pk, generation=1, key_epoch=family.key_epoch)
        with pytest.raises(errors.TokenError):
            rotation.rotate(presented=forged, now=now)

    def test_lives_no_longer_than_the_settings_let_it(self, now, settings):
        settings.TOKENS = {
            **settings.TOKENS,
            "SESSION_IDLE_TTL": timedelta(minutes=30),
            "SESSION_ABSOLUTE_TTL": timedelta(hours=1),
        }
        open_admin_session(user=UserFactory(), now=now, max_age=timedelta(hours=12))

        family = TokenFamily.objects.select_related("session").get()
        assert family.expires_at == now + timedelta(minutes=30)
        assert family.session.expires_at == now + timedelta(hours=1)

    def test_ends_the_oldest_of_its_kind_alone(self, now, settings):
        settings.TOKENS = {**settings.TOKENS, "MAX_SESSIONS_PER_USER": 1, "SESSION_OVERFLOW": "reject"}
        user = UserFactory()
        pair = open_session(user=user, now=now)
        first, second = (open_admin_session(user=user, now=now + timedelta(minutes=step)) for step in (1, 2))

        assert set(Session.objects.filter(ended_at=None).values_list("pk", flat=True)) == {pair.session_id, second}
        assert Session.objects.get(pk=first).end_reason == "session_limit"
        with pytest.raises(errors.SessionLimitReached):
            open_session(user=user, now=now + timedelta(minutes=3))
