import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from cedrina_base.signed_tokens import token_digest
from security_events.models import SecurityEvent
from tests.factories.tokens import family_of, open_session
from tokens import errors
from tokens.end_reasons import ADMINISTRATOR
from tokens.models import TokenFamily
from tokens.refresh_tokens import secrets
from tokens.services import revocation, rotation, verification
from tokens.signals import family_compromised

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def types_of(pair):
    return list(SecurityEvent.objects.filter(session_id=pair.session_id).order_by("id").values_list("type", flat=True))


class TestRotate:
    def test_gives_a_successor_and_keeps_one_row(self, now):
        first = open_session(now=now)
        second = rotation.rotate(presented=first.refresh_token, now=now + MINUTE)

        assert second.refresh_token != first.refresh_token
        assert second.session_id == first.session_id
        family = TokenFamily.objects.get(session_id=first.session_id)
        assert (family.generation, family.confirmed_generation) == (2, 1)
        assert bytes(family.token_hash) == token_digest(second.refresh_token)
        assert bytes(family.previous_token_hash) == token_digest(first.refresh_token)
        assert types_of(first) == ["session.created", "token.refreshed"]

    def test_stores_no_token(self, now):
        pair = open_session(now=now)
        family = family_of(pair)

        stored = b"".join(bytes(value) for value in (family.token_hash, family.previous_token_hash or b""))
        assert pair.refresh_token.encode() not in stored

    def test_extends_the_idle_lifetime_but_not_the_absolute_one(self, now):
        pair = open_session(now=now)
        for day in range(1, 30):
            pair = rotation.rotate(presented=pair.refresh_token, now=now + day * DAY)
        assert family_of(pair).expires_at == now + 30 * DAY

        with pytest.raises(errors.SessionExpired):
            rotation.rotate(presented=pair.refresh_token, now=now + 30 * DAY)

    def test_gives_the_same_successor_when_the_reply_was_lost(self, now):
        first = open_session(now=now)
        second = rotation.rotate(presented=first.refresh_token, now=now + MINUTE)
        again = rotation.rotate(presented=first.refresh_token, now=now + MINUTE + 23 * HOUR)

        assert again.refresh_token == second.refresh_token
        assert TokenFamily.objects.get(session_id=first.session_id).generation == 2
        assert types_of(first)[-1] == "token.successor_repeated"

    def test_gives_racing_tabs_the_same_successor_though_it_is_in_use(self, now):
        first = open_session(now=now)
        second = rotation.rotate(presented=first.refresh_token, now=now)
        verification.authenticate(presented=second.access_token, now=now + SECOND)

        again = rotation.rotate(presented=first.refresh_token, now=now + 9 * SECOND)
        assert again.refresh_token == second.refresh_token

    def test_gives_the_successor_again_after_the_secret_changed(self, now, settings):
        first = open_session(now=now)
        second = rotation.rotate(presented=first.refresh_token, now=now)
        settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
        settings.SECRET_KEY = "another" * 10

        again = rotation.rotate(presented=first.refresh_token, now=now + SECOND)
        assert again.refresh_token == second.refresh_token
        third = rotation.rotate(presented=again.refresh_token, now=now + MINUTE)
        assert rotation.rotate(presented=third.refresh_token, now=now + 2 * MINUTE)

    def test_refuses_when_the_secret_of_the_successor_is_gone(self, now, settings):
        first = open_session(now=now)
        old_secret = settings.SECRET_KEY
        settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [old_secret], "another" * 10
        rotation.rotate(presented=first.refresh_token, now=now)
        settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [], old_secret

        with pytest.raises(errors.RefreshTokenInvalid):
            rotation.rotate(presented=first.refresh_token, now=now + SECOND)

    def test_lets_tabs_race_to_ask_again_for_a_lost_reply(self, now):
        first = open_session(now=now)
        second = rotation.rotate(presented=first.refresh_token, now=now)

        one_tab = rotation.rotate(presented=first.refresh_token, now=now + HOUR)
        verification.authenticate(presented=one_tab.access_token, now=now + HOUR)
        other_tab = rotation.rotate(presented=first.refresh_token, now=now + HOUR + SECOND)

        assert one_tab.refresh_token == other_tab.refresh_token == second.refresh_token

    def test_gives_a_lost_reply_again_for_a_day_however_often_it_is_asked_for(self, now):
        first = open_session(now=now)
        rotation.rotate(presented=first.refresh_token, now=now)
        for hours in (10, 20, 23):
            rotation.rotate(presented=first.refresh_token, now=now + hours * HOUR)

        with pytest.raises(errors.RefreshTokenReused):
            rotation.rotate(presented=first.refresh_token, now=now + DAY)

    def test_sees_a_theft_once_the_successor_is_in_use(self, now):
        first = open_session(now=now)
        second = rotation.rotate(presented=first.refresh_token, now=now)
        verification.authenticate(presented=second.access_token, now=now + SECOND)

        with pytest.raises(errors.RefreshTokenReused):
            rotation.rotate(presented=first.refresh_token, now=now + HOUR)

        family = TokenFamily.objects.select_related("session").get(session_id=first.session_id)
        assert (family.is_revoked, family.revoked_at, family.revoke_reason) == (True, now + HOUR, "reuse_detected")
        assert (family.session.ended_at, family.session.end_reason) == (now + HOUR, "reuse_detected")
        event = SecurityEvent.objects.get(session_id=first.session_id, type="token.reuse_detected")
        assert (event.severity, event.outcome, event.risk_score) == ("high", "failure", 90)

    def test_kills_the_family_when_a_superseded_token_comes_back(self, now):
        first = open_session(now=now)
        second = rotation.rotate(presented=first.refresh_token, now=now)
        third = rotation.rotate(presented=second.refresh_token, now=now + SECOND)

        with pytest.raises(errors.RefreshTokenReused):
            rotation.rotate(presented=first.refresh_token, now=now + 2 * SECOND)
        with pytest.raises(errors.SessionRevoked):
            rotation.rotate(presented=third.refresh_token, now=now + 3 * SECOND)
        with pytest.raises(errors.SessionRevoked):
            verification.authenticate(presented=third.access_token, now=now + 3 * SECOND)

    def test_tells_of_a_theft_once(self, now, django_capture_on_commit_callbacks):
        told = []
        family_compromised.connect(receiver := lambda **kwargs: told.append(kwargs["session_id"]), weak=False)
        first = open_session(now=now)
        second = rotation.rotate(presented=first.refresh_token, now=now)
        rotation.rotate(presented=second.refresh_token, now=now + SECOND)
        with django_capture_on_commit_callbacks(execute=True):
            with pytest.raises(errors.RefreshTokenReused):
                rotation.rotate(presented=first.refresh_token, now=now + HOUR)
            with pytest.raises(errors.SessionRevoked):
                rotation.rotate(presented=first.refresh_token, now=now + HOUR)

        family_compromised.disconnect(receiver)
        assert told == [first.session_id]

    def test_ends_the_session_though_a_listener_fails(self, now):
        def broken(**_details):
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1 / 0")

        family_compromised.connect(broken)
        first = open_session(now=now)
        second = rotation.rotate(presented=first.refresh_token, now=now)
        rotation.rotate(presented=second.refresh_token, now=now + SECOND)
        with pytest.raises(errors.RefreshTokenReused):
            rotation.rotate(presented=first.refresh_token, now=now + HOUR)

        family_compromised.disconnect(broken)
        assert TokenFamily.objects.get(session_id=first.session_id).is_revoked

    def test_gives_no_grace_after_a_deliberate_end(self, now):
        first = open_session(now=now)
        rotation.rotate(presented=first.refresh_token, now=now)
        revocation.end_session(
            session_id=first.session_id, user_id=family_of(first).user_id, reason=ADMINISTRATOR, now=now
        )

        with pytest.raises(errors.SessionRevoked):
            rotation.rotate(presented=first.refresh_token, now=now + SECOND)

    def test_revokes_nothing_for_a_generation_that_was_never_issued(self, now):
        first = open_session(now=now)
        family = family_of(first)
        future = secrets.mint_refresh_token(family_id=family.family_id, generation=99, key_epoch=1)

        with pytest.raises(errors.RefreshTokenInvalid):
            rotation.rotate(presented=future, now=now)
        assert types_of(first)[-1] == "token.refresh_rejected"
        assert rotation.rotate(presented=first.refresh_token, now=now)

    def test_records_a_family_that_does_not_exist(self, now):
        family_id = "0197a3c0-5b1e-7c4d-9f00-2b6f1c9a7d10"
        token = secrets.mint_refresh_token(family_id=uuid.UUID(family_id), generation=1, key_epoch=1)
        with pytest.raises(errors.RefreshTokenInvalid):
            rotation.rotate(presented=token, now=now)

        assert SecurityEvent.objects.get(family_id=family_id).risk_reasons == ["unknown_family"]

    def test_asks_the_database_nothing_about_junk(self, django_assert_num_queries):
        with django_assert_num_queries(0), pytest.raises(errors.RefreshTokenInvalid):
            rotation.rotate(presented="cdr_" + "A" * 55, now=timezone.now())

    def test_refuses_a_deactivated_owner(self, now):
        first = open_session(now=now)
        user = family_of(first).user
        type(user).objects.filter(pk=user.pk).update(is_active=False)

        with pytest.raises(errors.SessionRevoked):
            rotation.rotate(presented=first.refresh_token, now=now)

    def test_takes_one_statement_with_its_event(self, now, django_assert_num_queries):
        first = open_session(now=now)
        with django_assert_num_queries(1):
            rotation.rotate(presented=first.refresh_token, now=now)


@pytest.mark.django_db(transaction=True)
class TestStatements:
    """BEGIN and COMMIT are counted."""

    def test_are_one_for_the_winner_its_event_included(self, now, counted):
        first = open_session(now=now)
        with counted() as statements:
            rotation.rotate(presented=first.refresh_token, now=now)

        assert len(statements) == 1, statements

    def test_are_told_from_those_of_a_transaction(self, now, counted):
        """What counts here sees a transaction: giving a lost reply again has one, under the row's lock."""
        first = open_session(now=now)
        rotation.rotate(presented=first.refresh_token, now=now)
        with counted() as statements:
            rotation.rotate(presented=first.refresh_token, now=now + MINUTE)

        words = [statement.split()[0] for statement in statements]
        assert words == ["WITH", "SELECT", "BEGIN", "SELECT", "UPDATE", "WITH", "COMMIT"]

    def test_are_three_for_a_tab_that_races(self, now, counted):
        first = open_session(now=now)
        rotation.rotate(presented=first.refresh_token, now=now)
        with counted() as statements:
            rotation.rotate(presented=first.refresh_token, now=now + SECOND)

        assert [statement.split()[0] for statement in statements] == ["WITH", "SELECT", "WITH"]


def skip_updates_of_families(times):
    """Have the database pass over so many updates, as if another transaction were in between."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            CREATE SEQUENCE skipped;
            CREATE FUNCTION skip_update() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN IF nextval('skipped') <= {times} THEN RETURN NULL; END IF; RETURN NEW; END $$;
            CREATE TRIGGER skip_update BEFORE UPDATE ON tokens_tokenfamily
                FOR EACH ROW EXECUTE FUNCTION skip_update();
            """
        )


class TestRotateWhileTheFamilyMoves:
    def test_tries_again_when_the_presented_token_is_the_present_one_after_all(self, now):
        first = open_session(now=now)
        skip_updates_of_families(2)

        second = rotation.rotate(presented=first.refresh_token, now=now)
        assert bytes(family_of(first).token_hash) == token_digest(second.refresh_token)

    def test_gives_up_in_the_end_and_revokes_nothing(self, now):
        first = open_session(now=now)
        skip_updates_of_families(3)

        with pytest.raises(errors.RefreshTokenInvalid):
            rotation.rotate(presented=first.refresh_token, now=now)
        assert rotation.rotate(presented=first.refresh_token, now=now)
