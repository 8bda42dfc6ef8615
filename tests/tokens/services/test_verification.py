import dataclasses
import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.end_reasons import PASSWORD_CHANGE
from tests.factories.accounts import UserFactory
from tests.factories.tokens import claims_of, family_of, open_admin_session, open_session
from tokens import errors
from tokens.end_reasons import ADMINISTRATOR, LOGOUT, LOGOUT_ALL
from tokens.models import Session, TokenFamily
from tokens.services import issuing, revocation, rotation, verification

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


def use(pair, now):
    return verification.authenticate(presented=pair.access_token, now=now)


def last_activity(pair):
    return Session.objects.get(pk=pair.session_id).last_activity_at


class TestAuthenticate:
    def test_says_whom_and_what_the_token_speaks_for(self, now):
        user = UserFactory()
        pair = open_session(user=user, now=now, amr=["pwd", "otp"])
        found = use(pair, now)

        assert found.user == user
        principal = found.principal
        assert (principal.user_id, principal.session_id) == (user.pk, pair.session_id)
        assert (principal.family_id, principal.generation) == (family_of(pair).family_id, 1)
        assert (principal.amr, principal.authenticated_at) == (("pwd", "otp"), now)
        assert principal.jti == claims_of(pair).jti
        assert principal.expires_at == now + timedelta(seconds=pair.expires_in)

    def test_builds_the_user_without_another_query_and_without_the_password(self, now):
        user = UserFactory(raw_password="violet harbour drum kite")
        pair = open_session(user=user, now=now)
        use(pair, now)
        with CaptureQueriesContext(connection) as captured:
            found = use(pair, now).user
            for field in user._meta.concrete_fields:
                if field.name != "password":
                    assert getattr(found, field.attname) == getattr(type(user).objects.get(pk=user.pk), field.attname)
        ours = captured.captured_queries[0]["sql"]
        assert '"password"' not in ours
        assert found.get_deferred_fields() == {"password"}
        assert found._state.adding is False
        assert found.check_password("violet harbour drum kite")

    def test_makes_one_query_and_one_write_a_minute(self, now, django_assert_num_queries):
        pair = open_session(now=now)
        with django_assert_num_queries(2):
            use(pair, now)
        with django_assert_num_queries(1):
            use(pair, now + 59 * SECOND)
        with django_assert_num_queries(2):
            use(pair, now + MINUTE)
        with django_assert_num_queries(1):
            use(pair, now + MINUTE + SECOND)

    def test_reads_by_primary_keys_alone(self, now):
        pair = open_session(now=now)
        with CaptureQueriesContext(connection) as captured:
            use(pair, now)
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("EXPLAIN (GENERIC_PLAN) " + captured.captured_queries[0]["sql"])
            plan = "\n".join(line for (line,) in cursor.fetchall())

        assert plan.count("Index Scan using") == 4  # the signing key, the family, its session, its user
        assert "Seq Scan" not in plan

    def test_touches_the_session_at_most_once_a_minute(self, now):
        pair = open_session(now=now)
        use(pair, now + 10 * SECOND)
        assert last_activity(pair) == now + 10 * SECOND  # the first use confirms the generation, too

        use(pair, now + 69 * SECOND)
        assert last_activity(pair) == now + 10 * SECOND
        use(pair, now + 70 * SECOND)
        assert last_activity(pair) == now + 70 * SECOND

    def test_never_turns_the_last_activity_back(self, now):
        pair = open_session(now=now)
        use(pair, now + 2 * MINUTE)
        second = rotation.rotate(presented=pair.refresh_token, now=now + 3 * MINUTE)
        use(second, now + MINUTE)  # a server whose clock is behind

        assert last_activity(pair) == now + 3 * MINUTE

    def test_confirms_that_the_generation_arrived(self, now):
        first = open_session(now=now)
        assert family_of(first).confirmed_generation == 0
        use(first, now)
        assert family_of(first).confirmed_generation == 1

        second = rotation.rotate(presented=first.refresh_token, now=now)
        use(first, now)
        assert family_of(first).confirmed_generation == 1
        use(second, now)
        assert family_of(first).confirmed_generation == 2

    def test_takes_the_use_of_an_older_token_for_no_sign_that_the_newer_arrived(self, now):
        first = open_session(now=now)
        second = rotation.rotate(presented=first.refresh_token, now=now)
        use(first, now + 2 * MINUTE)

        assert last_activity(first) == now + 2 * MINUTE
        assert family_of(first).confirmed_generation == 1
        again = rotation.rotate(presented=first.refresh_token, now=now + 3 * MINUTE)
        assert again.refresh_token == second.refresh_token

    def test_does_not_touch_a_session_that_ended_in_between(self, now):
        pair = open_session(now=now)
        family = family_of(pair)
        revocation.end_sessions(user_id=family.user_id, reason=LOGOUT, now=now)
        verification._record_activity(family_id=family.pk, generation=1, now=now + MINUTE)

        assert last_activity(pair) == now

    def test_extends_the_idle_lifetime_up_to_the_sessions_end(self, now):
        pair = open_session(now=now)
        use(pair, now + 5 * MINUTE)
        assert family_of(pair).expires_at == now + 5 * MINUTE + 7 * DAY

        for day in range(5, 30, 5):
            pair = rotation.rotate(presented=pair.refresh_token, now=now + day * DAY)
        use(pair, now + 25 * DAY + MINUTE)
        assert family_of(pair).expires_at == now + 30 * DAY

    def test_refuses_a_token_whose_time_is_over(self, now):
        pair = open_session(now=now)
        lifetime = timedelta(seconds=pair.expires_in)

        assert use(pair, now + lifetime - SECOND)
        with pytest.raises(errors.AccessTokenExpired):
            use(pair, now + lifetime)

    def test_refuses_an_idle_session(self, now, settings):
        settings.TOKENS = {**settings.TOKENS, "SESSION_IDLE_TTL": 30 * MINUTE}
        pair = open_session(now=now)
        TokenFamily.objects.update(expires_at=now + MINUTE)

        with pytest.raises(errors.SessionExpired):
            use(pair, now + MINUTE)

    def test_refuses_after_the_absolute_lifetime_however_much_it_was_used(self, now):
        pair = open_session(now=now)
        for day in range(1, 30):
            pair = rotation.rotate(presented=pair.refresh_token, now=now + day * DAY)
        last = rotation.rotate(presented=pair.refresh_token, now=now + 30 * DAY - MINUTE)

        assert last.expires_in == 60
        assert use(last, now + 30 * DAY - SECOND)
        with pytest.raises(errors.AccessTokenExpired):
            use(last, now + 30 * DAY)

    def test_refuses_at_once_after_the_session_ended(self, now):
        pair = open_session(now=now)
        revocation.end_sessions(user_id=family_of(pair).user_id, reason=ADMINISTRATOR, now=now)

        with pytest.raises(errors.SessionRevoked):
            use(pair, now)

    def test_says_that_the_session_ended_before_that_the_token_expired(self, now):
        pair = open_session(now=now)
        revocation.end_sessions(user_id=family_of(pair).user_id, reason=ADMINISTRATOR, now=now)

        with pytest.raises(errors.SessionRevoked):
            use(pair, now + DAY)

    def test_refuses_a_deactivated_owner(self, now):
        user = UserFactory()
        pair = open_session(user=user, now=now)
        type(user).objects.filter(pk=user.pk).update(is_active=False)

        with pytest.raises(errors.SessionRevoked):
            use(pair, now)

    def test_refuses_when_the_owner_is_gone(self, now):
        user = UserFactory()
        pair = open_session(user=user, now=now)
        user.delete()

        with pytest.raises(errors.AccessTokenInvalid):
            use(pair, now)

    def test_refuses_a_token_of_a_family_that_was_replaced(self, now):
        user = UserFactory()
        pair = open_session(user=user, now=now)
        issuing.replace_family(session_id=pair.session_id, user=user, reason=PASSWORD_CHANGE, now=now)

        with pytest.raises(errors.SessionRevoked):
            use(pair, now)


class TestAuthenticateClaims:
    def test_does_not_count_a_look_as_use(self, now):
        pair = open_session(now=now)
        verification.authenticate_claims(claims=claims_of(pair), is_use=False, now=now + 5 * MINUTE)

        assert last_activity(pair) == now
        assert family_of(pair).confirmed_generation == 0

    @pytest.mark.parametrize("foreign", ["user_id", "session_id", "family_id"])
    def test_wants_user_session_and_family_to_belong_together(self, now, foreign):
        mine, other = open_session(now=now), open_session(now=now)
        for value in (getattr(claims_of(other), foreign), uuid.uuid4()):
            mixed = dataclasses.replace(claims_of(mine), **{foreign: value})
            with pytest.raises(errors.AccessTokenInvalid):
                verification.authenticate_claims(claims=mixed, now=now)

    @pytest.mark.parametrize("generation", [-1, 0, 2**31, 2**63, 10**30])
    def test_never_confirms_a_generation_that_was_not_issued(self, now, generation):
        pair = open_session(now=now)
        odd = dataclasses.replace(claims_of(pair), generation=generation)
        verification.authenticate_claims(claims=odd, now=now)

        assert family_of(pair).confirmed_generation in (0, 1)


@pytest.mark.django_db(transaction=True)
class TestStatements:
    def test_are_one_for_a_read_and_one_more_once_a_minute(self, now, counted):
        pair = open_session(now=now)
        for seconds, expected in ((0, 2), (1, 1), (59, 1), (60, 2), (61, 1)):
            with counted() as statements:
                use(pair, now + seconds * SECOND)
            assert len(statements) == expected, statements


class TestAuthenticateAdminSession:
    @pytest.fixture
    def user(self):
        return UserFactory()

    def test_finds_a_living_session_in_one_query(self, now, user, django_assert_num_queries):
        session_id = open_admin_session(user=user, now=now)
        with django_assert_num_queries(1):
            assert verification.authenticate_admin_session(session_id=session_id, user_id=user.pk, now=now + SECOND)

        assert Session.objects.get().last_activity_at == now

    def test_notes_its_use_once_a_minute_and_keeps_it_from_idling_out(self, now, user, settings):
        settings.TOKENS = {**settings.TOKENS, "SESSION_IDLE_TTL": 30 * MINUTE}
        session_id = open_admin_session(user=user, now=now)
        for step in range(1, 5):
            at = now + step * 20 * MINUTE
            assert verification.authenticate_admin_session(session_id=session_id, user_id=user.pk, now=at)
            assert Session.objects.get().last_activity_at == at

        at += 30 * MINUTE
        assert not verification.authenticate_admin_session(session_id=session_id, user_id=user.pk, now=at)

    def test_ends_at_its_age_however_much_it_is_used(self, now, user):
        session_id = open_admin_session(user=user, now=now, max_age=90 * MINUTE)
        for step, lives in ((60, True), (89, True), (90, False)):
            at = now + step * MINUTE
            found = verification.authenticate_admin_session(session_id=session_id, user_id=user.pk, now=at)
            assert (found is not None) is lives

    @pytest.mark.parametrize("details", [{"is_active": False}, {"deleted_at": "2026-01-01T00:00:00Z"}])
    def test_lets_nobody_act_whose_account_is_closed(self, now, user, details):
        session_id = open_admin_session(user=user, now=now)
        type(user).objects.update(**details)

        assert not verification.authenticate_admin_session(session_id=session_id, user_id=user.pk, now=now)

    def test_knows_neither_sessions_of_others_nor_of_the_api(self, now, user):
        session_id = open_admin_session(user=user, now=now)
        others = (
            (session_id, UserFactory().pk),
            (open_session(user=user, now=now).session_id, user.pk),
            (uuid.uuid4(), user.pk),
        )
        for identity, user_id in others:
            assert not verification.authenticate_admin_session(session_id=identity, user_id=user_id, now=now)

    def test_ends_with_all_others(self, now, user):
        session_id = open_admin_session(user=user, now=now)
        revocation.end_sessions(user_id=user.pk, reason=LOGOUT_ALL, now=now)

        assert not verification.authenticate_admin_session(session_id=session_id, user_id=user.pk, now=now)
