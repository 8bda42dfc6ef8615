from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.end_reasons import ACCOUNT_DEACTIVATED, PASSWORD_CHANGE
from security_events.models import SecurityEvent
from security_events.types import Subject
from tests.factories.accounts import UserFactory
from tests.factories.tokens import claims_of, family_of, open_session
from tokens import errors
from tokens.end_reasons import ADMINISTRATOR, ENDED_BY_OWNER, LOGOUT
from tokens.models import Session, TokenFamily
from tokens.services import issuing, revocation, rotation, verification
from tokens.signals import family_compromised

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


def is_alive(pair, now):
    try:
        verification.authenticate(presented=pair.access_token, now=now)
    except errors.SessionRevoked:
        with pytest.raises(errors.SessionRevoked):
            rotation.rotate(presented=pair.refresh_token, now=now)
        return False
    return True


def last_event(pair):
    return SecurityEvent.objects.filter(session_id=pair.session_id).order_by("id").last()


@pytest.fixture
def user():
    return UserFactory()


class TestLogOut:
    def test_ends_the_session_of_the_token_alone(self, now, user):
        mine, other = open_session(user=user, now=now), open_session(user=user, now=now)

        assert revocation.log_out(claims=claims_of(mine), now=now) == 1
        assert not is_alive(mine, now)
        assert is_alive(other, now)

    def test_writes_both_rows_and_the_event_in_one_statement(self, now, user, django_assert_num_queries):
        pair = open_session(user=user, now=now)
        claims, family = claims_of(pair), family_of(pair)
        with django_assert_num_queries(1):
            revocation.log_out(claims=claims, now=now + SECOND)

        family = TokenFamily.objects.select_related("session").get(pk=family.pk)
        assert (family.is_revoked, family.revoked_at, family.revoke_reason) == (True, now + SECOND, "logout")
        assert (family.session.ended_at, family.session.end_reason) == (now + SECOND, "logout")
        event = last_event(pair)
        assert (event.type, event.outcome, event.data) == ("session.revoked", "success", {"reason": "logout"})
        assert event.actor_id == event.target_id == str(user.pk)
        assert (event.family_id, event.occurred_at) == (family.pk, now + SECOND)

    def test_ends_every_session_when_asked(self, now, user):
        pairs = [open_session(user=user, now=now) for _ in range(3)]
        foreign = open_session(now=now)

        assert revocation.log_out(claims=claims_of(pairs[1]), everywhere=True, now=now) == 3
        assert not any(is_alive(pair, now) for pair in pairs)
        assert is_alive(foreign, now)
        assert {last_event(pair).data["reason"] for pair in pairs} == {"logout_all"}

    @pytest.mark.parametrize("everywhere", [False, True])
    def test_ends_nothing_for_a_token_that_is_not_good_any_more(self, now, user, everywhere):
        gone, other = open_session(user=user, now=now), open_session(user=user, now=now)
        revocation.log_out(claims=claims_of(gone), now=now)

        assert revocation.log_out(claims=claims_of(gone), everywhere=everywhere, now=now) == 0
        assert is_alive(other, now)

    @pytest.mark.parametrize("everywhere", [False, True])
    def test_ends_nothing_for_an_expired_token(self, now, user, everywhere):
        pair = open_session(user=user, now=now)
        expired = now + timedelta(seconds=pair.expires_in)

        assert revocation.log_out(claims=claims_of(pair), everywhere=everywhere, now=expired) == 0
        assert rotation.rotate(presented=pair.refresh_token, now=expired)

    def test_ends_nothing_for_a_session_that_expired(self, now, user):
        pair = open_session(user=user, now=now)
        TokenFamily.objects.filter(user=user).update(expires_at=now)

        assert revocation.log_out(claims=claims_of(pair), now=now) == 0

    def test_leaves_a_replaced_lineage_to_its_new_tokens(self, now, user):
        old = open_session(user=user, now=now)
        new = issuing.replace_family(session_id=old.session_id, user=user, reason=PASSWORD_CHANGE, now=now)

        assert revocation.log_out(claims=claims_of(old), everywhere=True, now=now) == 0
        assert is_alive(new, now)


class TestEndSession:
    def test_ends_it_once(self, now, user):
        pair = open_session(user=user, now=now)

        assert revocation.end_session(session_id=pair.session_id, user_id=user.pk, reason=ENDED_BY_OWNER, now=now)
        assert not is_alive(pair, now)
        assert not revocation.end_session(session_id=pair.session_id, user_id=user.pk, reason=ENDED_BY_OWNER, now=now)
        assert SecurityEvent.objects.filter(session_id=pair.session_id, type="session.revoked").count() == 1

    def test_ends_nobody_elses(self, now, user):
        pair = open_session(now=now)

        assert not revocation.end_session(session_id=pair.session_id, user_id=user.pk, reason=LOGOUT, now=now)
        assert is_alive(pair, now)

    def test_has_nothing_to_end_in_an_expired_one(self, now, user):
        pair = open_session(user=user, now=now)

        assert not revocation.end_session(session_id=pair.session_id, user_id=user.pk, reason=LOGOUT, now=now + 7 * DAY)

    def test_records_which_administrator_did_it_and_why(self, now, user):
        pair = open_session(user=user, now=now)
        revocation.end_session(
            session_id=pair.session_id,
            user_id=user.pk,
            reason=ADMINISTRATOR,
            actor=Subject(id="7", name="root@example.com"),
            note="Laptop lost.",
            now=now,
        )

        event = last_event(pair)
        assert (event.actor_id, event.actor_name, event.target_id) == ("7", "r***@example.com", str(user.pk))
        assert event.data == {"reason": "administrator", "note": "Laptop lost."}

    def test_names_no_actor_whom_it_does_not_know(self, now, user):
        pair = open_session(user=user, now=now)
        revocation.end_session(session_id=pair.session_id, user_id=user.pk, reason=ADMINISTRATOR, now=now)

        assert (last_event(pair).actor_id, last_event(pair).target_id) == ("", str(user.pk))


class TestEndSessions:
    def test_ends_all_of_a_persons(self, now, user):
        pairs = [open_session(user=user, now=now) for _ in range(4)]
        foreign = open_session(now=now)

        assert revocation.end_sessions(user_id=user.pk, reason=ACCOUNT_DEACTIVATED, now=now) == 4
        assert not any(is_alive(pair, now) for pair in pairs)
        assert is_alive(foreign, now)
        assert {last_event(pair).type for pair in pairs} == {"session.revoked"}

    def test_can_keep_one(self, now, user):
        pairs = [open_session(user=user, now=now) for _ in range(3)]

        ended = revocation.end_sessions(
            user_id=user.pk, reason=PASSWORD_CHANGE, keep_session_id=pairs[1].session_id, now=now
        )
        assert ended == 2
        assert [is_alive(pair, now) for pair in pairs] == [False, True, False]

    def test_takes_one_statement_however_many_there_are(self, now, user, django_assert_num_queries):
        for _ in range(5):
            open_session(user=user, now=now)
        with django_assert_num_queries(1):
            revocation.end_sessions(user_id=user.pk, reason=ADMINISTRATOR, now=now)

    def test_ends_nothing_twice(self, now, user):
        open_session(user=user, now=now)
        revocation.end_sessions(user_id=user.pk, reason=ADMINISTRATOR, now=now)

        assert revocation.end_sessions(user_id=user.pk, reason=PASSWORD_CHANGE, now=now + DAY) == 0
        assert Session.objects.get(user=user).end_reason == "administrator"


class TestRevokeToken:
    def test_ends_the_session_of_a_refresh_token(self, now, user):
        pair = open_session(user=user, now=now)

        assert revocation.revoke_token(presented=pair.refresh_token, now=now)
        assert not is_alive(pair, now)
        assert last_event(pair).data == {"reason": "token_revoked"}
        assert last_event(pair).actor_id == str(user.pk)

    def test_ends_the_session_of_an_access_token(self, now, user):
        pair = open_session(user=user, now=now)

        assert revocation.revoke_token(presented=pair.access_token, now=now)
        assert not is_alive(pair, now)

    def test_takes_the_token_before_whose_successor_may_not_have_arrived(self, now):
        first = open_session(now=now)
        second = rotation.rotate(presented=first.refresh_token, now=now)

        assert revocation.revoke_token(presented=first.refresh_token, now=now)
        assert not is_alive(second, now)

    def test_ends_nobodys_session_for_an_old_refresh_token(self, now):
        first = open_session(now=now)
        second = rotation.rotate(presented=first.refresh_token, now=now)
        third = rotation.rotate(presented=second.refresh_token, now=now)

        assert not revocation.revoke_token(presented=first.refresh_token, now=now)
        assert is_alive(third, now)

    def test_ends_nobodys_session_for_an_expired_access_token(self, now):
        pair = open_session(now=now)

        assert not revocation.revoke_token(presented=pair.access_token, now=now + timedelta(minutes=16))
        assert is_alive(pair, now)

    @pytest.mark.parametrize("junk", ["", "x", "cdr_" + "A" * 55, "eyJ.eyJ.x", "\0", "\ud800", "é" * 5000])
    def test_passes_over_junk_without_a_query(self, junk, django_assert_num_queries, now):
        open_session(now=now)  # so that the keys are known
        revocation.revoke_token(presented="x.y.z", now=timezone.now())
        with django_assert_num_queries(0):
            assert not revocation.revoke_token(presented=junk, now=timezone.now())


class TestMarkCompromised:
    def test_ends_the_session_and_records_it_as_a_theft(self, now, user):
        pair = open_session(user=user, now=now)
        family = family_of(pair)

        assert revocation.mark_compromised(
            family_id=family.pk, generation=3, evidence={"generations_behind": 1}, now=now
        )
        event = last_event(pair)
        assert not is_alive(pair, now)
        assert (event.type, event.severity, event.outcome) == ("token.reuse_detected", "high", "failure")
        assert (event.actor_id, event.target_id, event.risk_score) == ("", str(user.pk), 90)
        assert (event.risk_reasons, event.data) == (
            ["reuse_detected"],
            {"reason": "reuse_detected", "presented_generation": 3, "generations_behind": 1},
        )

    def test_tells_who_listens_only_when_it_was_the_one_to_end_it(self, now, django_capture_on_commit_callbacks):
        family = family_of(open_session(now=now))
        told = []

        def listen(**announcement):
            told.append((announcement["user_id"], announcement["session_id"], announcement["family_id"]))

        family_compromised.connect(listen)
        with django_capture_on_commit_callbacks(execute=True):
            assert revocation.mark_compromised(family_id=family.pk, generation=1, now=now)
            assert not revocation.mark_compromised(family_id=family.pk, generation=1, now=now)

        assert told == [(family.user_id, family.session_id, family.pk)]
