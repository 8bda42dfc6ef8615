"""Repeats of a refresh token have a budget: what is forgiven, to whom, and how often."""

from datetime import timedelta

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob

from security_events.models import SecurityEvent
from tests.factories.accounts import UserFactory
from tests.factories.tokens import PHONE, family_of, open_session
from tokens import errors, signals
from tokens.end_reasons import LOGOUT
from tokens.models import Session, TokenFamily
from tokens.services import introspection, refresh_keys, revocation, rotation, verification
from tokens.types import ClientContext

pytestmark = pytest.mark.django_db

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
LATER_PHONE = ClientContext(ip_address="203.0.113.200", user_agent="Phone/1.1")
PHONE_ELSEWHERE = ClientContext(ip_address="198.51.100.4", user_agent="Phone/1.0")
LAPTOP_BESIDE = ClientContext(ip_address="203.0.113.9", user_agent="Laptop/1.0")
STRANGER = ClientContext(ip_address="198.51.100.9", user_agent="curl/8.0")
OTHERS = pytest.mark.parametrize(
    "other", [PHONE_ELSEWHERE, LAPTOP_BESIDE, STRANGER], ids=["elsewhere", "other kind", "both"]
)


def rotate(token, client, now):
    return rotation.rotate(presented=token, client=client, now=now)


def take_turns(pair, *, owner, other, rounds, now):
    """Let two holders of one token refresh in turn, a minute apart; return the round in which one was refused."""
    held = {owner: pair.refresh_token, other: pair.refresh_token}
    for number in range(1, rounds + 1):
        for client in (owner, other):
            now += MINUTE
            try:
                held[client] = rotate(held[client], client, now).refresh_token
            except errors.RefreshTokenReused:
                return number
    return None


class TestTakingTurns:
    @OTHERS
    @pytest.mark.attack("RFC 9700, 4.14.2")
    def test_is_seen_in_the_third_round(self, now, other):
        pair = open_session(now=now)

        assert take_turns(pair, owner=PHONE, other=other, rounds=40, now=now) == 3

        session = Session.objects.get(pk=pair.session_id)
        assert session.end_reason == "reuse_detected"

    @pytest.mark.attack("RFC 9700, 4.14.2")
    def test_is_seen_in_the_eleventh_round_from_the_same_network_with_the_same_kind_of_client(self, now):
        pair = open_session(now=now)

        assert take_turns(pair, owner=PHONE, other=LATER_PHONE, rounds=40, now=now) == 11

    @pytest.mark.attack("RFC 9700, 4.14.2")
    def test_is_seen_in_the_eleventh_round_by_a_thief_who_comes_from_both(self, now):
        pair = open_session(now=now)
        held = [pair.refresh_token, pair.refresh_token]
        moment, refused_in = now, None
        for number in range(1, 41):
            # Twice from elsewhere at most, so that this budget alone would never be spent.
            thief = STRANGER if number in (3, 8) else LATER_PHONE
            for place, client in enumerate((PHONE, thief)):
                moment += MINUTE
                try:
                    held[place] = rotate(held[place], client, moment).refresh_token
                except errors.RefreshTokenReused:
                    refused_in = refused_in or number
            if refused_in:
                break

        assert refused_in == 11

    @pytest.mark.parametrize(("own", "foreign", "seen_in"), [(0, 0, 1), (5, 0, 1), (5, 4, 5), (1, 1, 2)])
    def test_is_seen_as_soon_as_the_settings_say(self, now, settings, own, foreign, seen_in):
        settings.TOKENS = {**settings.TOKENS, "REFRESH_OWN_REPEATS": own, "REFRESH_FOREIGN_REPEATS": foreign}
        pair = open_session(now=now)

        assert take_turns(pair, owner=PHONE, other=STRANGER, rounds=40, now=now) == seen_in


class TestALostReply:
    @OTHERS
    def test_counts_once_however_often_it_is_asked_for(self, now, other):
        first = open_session(now=now)
        second = rotate(first.refresh_token, PHONE, now)
        for minutes in range(1, 9):
            asking = other if minutes % 2 else PHONE
            assert rotate(first.refresh_token, asking, now + minutes * MINUTE).refresh_token == second.refresh_token

        family = family_of(first)
        assert (family.repeats, family.foreign_repeats, family.is_foreign_repeated) == (1, 1, True)

    def test_of_the_same_client_counts_for_it_alone(self, now):
        first = open_session(now=now)
        rotate(first.refresh_token, PHONE, now)
        rotate(first.refresh_token, LATER_PHONE, now + MINUTE)

        family = family_of(first)
        assert (family.repeats, family.foreign_repeats, family.is_foreign_repeated) == (1, 0, False)

    @OTHERS
    def test_is_forgotten_with_a_generation_without_any(self, now, other):
        pair = open_session(now=now)
        for number in range(30):
            moment = now + number * HOUR
            rotate(pair.refresh_token, PHONE, moment)  # the reply is lost
            pair = rotate(pair.refresh_token, other, moment + MINUTE)
            pair = rotate(pair.refresh_token, other, moment + 2 * MINUTE)
            if number % 2:
                pair = rotate(pair.refresh_token, other, moment + 3 * MINUTE)

        assert not family_of(pair).is_revoked

    def test_in_bursts_of_ten_is_forgiven(self, now):
        pair = open_session(now=now)
        moment = now
        for _burst in range(3):
            for _ in range(10):
                rotate(pair.refresh_token, PHONE, moment)
                pair = rotate(pair.refresh_token, PHONE, moment + MINUTE)
                moment += 15 * MINUTE
            for _ in range(2):  # the first ends the last repeated generation, the second has none
                pair = rotate(pair.refresh_token, PHONE, moment)
                moment += 15 * MINUTE
            assert (family_of(pair).repeats, family_of(pair).foreign_repeats) == (0, 0)

    def test_leaves_the_client_that_it_went_to_its_racing_tabs(self, now):
        first = open_session(now=now)
        second = rotate(first.refresh_token, PHONE, now)
        one_tab = rotate(first.refresh_token, PHONE_ELSEWHERE, now + HOUR)
        verification.authenticate(presented=one_tab.access_token, now=now + HOUR)
        other_tab = rotate(first.refresh_token, PHONE_ELSEWHERE, now + HOUR + SECOND)

        assert one_tab.refresh_token == other_tab.refresh_token == second.refresh_token
        assert family_of(first).repeats == 1

    def test_of_a_family_from_before_clients_were_remembered_is_the_own_ones(self, now):
        first = open_session(now=now)
        rotate(first.refresh_token, PHONE, now)
        TokenFamily.objects.filter(session_id=first.session_id).update(client_network=None, client_kind=None)
        rotate(first.refresh_token, STRANGER, now + MINUTE)

        assert (family_of(first).repeats, family_of(first).foreign_repeats) == (1, 0)


class TestARace:
    def test_counts_as_no_repeat(self, now):
        pair = open_session(now=now)
        for number in range(40):
            moment = now + number * MINUTE
            tabs = [rotate(pair.refresh_token, PHONE, moment + tab * SECOND) for tab in range(4)]
            assert len({tab.refresh_token for tab in tabs}) == 1
            pair = tabs[0]

        assert family_of(pair).repeats == 0

    @OTHERS
    @pytest.mark.attack("RFC 9700, 4.14.2")
    def test_is_not_for_another_client(self, now, other):
        first = open_session(now=now)
        second = rotate(first.refresh_token, PHONE, now)
        verification.authenticate(presented=second.access_token, now=now)

        with pytest.raises(errors.RefreshTokenReused):
            rotate(first.refresh_token, other, now + SECOND)


class TestIntrospection:
    @pytest.mark.attack("RFC 9700, 4.14.2")
    def test_confirms_the_generation_of_an_access_token_without_touching_idle_time(self, now):
        owner = UserFactory()
        first = open_session(user=owner, now=now)
        second = rotate(first.refresh_token, PHONE, now)
        before = Session.objects.get(pk=first.session_id).last_activity_at, family_of(first).expires_at
        assert introspection.introspect(token=second.access_token, asker=owner, now=now + 5 * MINUTE).active

        family = family_of(first)
        assert family.confirmed_generation == 2
        assert (family.session.last_activity_at, family.expires_at) == before
        with pytest.raises(errors.RefreshTokenReused):
            rotate(first.refresh_token, PHONE, now + 6 * MINUTE)

    def test_writes_once_a_generation(self, now, django_assert_num_queries):
        owner = UserFactory()
        pair = open_session(user=owner, now=now)
        with django_assert_num_queries(2):
            introspection.introspect(token=pair.access_token, asker=owner, now=now)
        with django_assert_num_queries(1):
            introspection.introspect(token=pair.access_token, asker=owner, now=now)

    def test_confirms_nothing_for_somebody_who_is_told_nothing(self, now):
        first = open_session(now=now)
        second = rotate(first.refresh_token, PHONE, now)
        assert (
            introspection.introspect(token=second.access_token, asker=UserFactory(), now=now) == introspection.INACTIVE
        )

        assert family_of(first).confirmed_generation == 1

    def test_of_a_refresh_token_confirms_nothing(self, now):
        owner = UserFactory()
        first = open_session(user=owner, now=now)
        second = rotate(first.refresh_token, PHONE, now)
        assert introspection.introspect(token=second.refresh_token, asker=owner, now=now).active

        assert family_of(first).confirmed_generation == 1


class TestARepeatByAStranger:
    def test_is_an_event_and_announced(self, now):
        told = []
        signals.repeated_elsewhere.connect(listen := lambda **details: told.append(details), weak=False)
        first = open_session(now=now)
        rotate(first.refresh_token, PHONE, now)
        rotate(first.refresh_token, STRANGER, now + MINUTE)
        signals.repeated_elsewhere.disconnect(listen)

        event = SecurityEvent.objects.get(session_id=first.session_id, type="token.repeated_elsewhere")
        assert (event.severity, event.outcome) == ("medium", "success")
        assert event.data == {"generation": 2, "repeats": 1, "foreign_repeats": 1}
        (details,) = told
        assert (details["session_id"], details["client"], details["now"]) == (first.session_id, STRANGER, now + MINUTE)

    @pytest.mark.parametrize("other", [PHONE_ELSEWHERE, LAPTOP_BESIDE], ids=["elsewhere", "other kind"])
    def test_is_none_where_one_of_them_is_the_same(self, now, other):
        told = []
        signals.repeated_elsewhere.connect(listen := lambda **details: told.append(details), weak=False)
        first = open_session(now=now)
        rotate(first.refresh_token, PHONE, now)
        rotate(first.refresh_token, other, now + MINUTE)
        signals.repeated_elsewhere.disconnect(listen)

        assert not told
        assert not SecurityEvent.objects.filter(session_id=first.session_id, type="token.repeated_elsewhere").exists()


class TestEvents:
    @pytest.mark.attack("CWE-779")
    @pytest.mark.slow
    def test_of_one_token_shown_three_hundred_times_are_two_a_minute(self, now):
        first = open_session(now=now)
        rotate(first.refresh_token, PHONE, now)
        for number in range(300):
            rotate(first.refresh_token, PHONE, now + number * SECOND / 6)

        events = SecurityEvent.objects.filter(session_id=first.session_id, type="token.successor_repeated")
        assert sorted(events.values_list("risk_reasons", flat=True)) == [["lost_reply"], ["race"]]


class TestReuseAfterTheEnd:
    """A copied token gets nobody in once its session has ended, but its owner should know that it was copied."""

    @pytest.fixture
    def rotated(self, now):
        first = open_session(user=UserFactory(), client=PHONE, now=now)
        second = rotate(first.refresh_token, PHONE, now + SECOND)
        third = rotate(second.refresh_token, PHONE, now + 2 * SECOND)
        return first, second, third

    def family(self, pair):
        return TokenFamily.objects.get(session_id=pair.session_id)

    def end(self, pair, now):
        family = self.family(pair)
        revocation.end_session(session_id=family.session_id, user_id=family.user_id, reason=LOGOUT, now=now)

    def present(self, pair, now, error=errors.SessionRevoked):
        with pytest.raises(error):
            rotate(pair.refresh_token, STRANGER, now)

    def events(self, pair):
        return SecurityEvent.objects.filter(session_id=pair.session_id, risk_reasons=["reused_after_end"])

    @pytest.mark.attack("RFC 9700, 4.14.2")
    @pytest.mark.usefixtures("empty_queue")
    def test_is_recorded_logged_and_mailed_once(self, rotated, now, caplog):
        first, *_ = rotated
        self.end(first, now + MINUTE)
        for hours in (1, 1, 1, 2, 3):
            self.present(first, now + hours * HOUR)

        event = self.events(first).first()
        assert (event.type, event.severity, event.target_id) == (
            "token.reuse_detected",
            "high",
            str(self.family(first).user_id),
        )
        assert self.events(first).count() == 3  # one a minute
        assert caplog.text.count("refresh_token_reused_after_end") == 3
        assert str(first.session_id) in caplog.text
        assert first.refresh_token not in caplog.text
        job = ProcrastinateJob.objects.get()
        assert job.args["kind"] == "session_ended_for_safety"

    @pytest.mark.usefixtures("empty_queue")
    def test_is_not_what_a_client_does_that_missed_the_end(self, rotated, now):
        _, second, third = rotated
        self.end(third, now + MINUTE)
        for pair in (second, third):
            self.present(pair, now + HOUR)

        assert not self.events(third).exists()
        assert not ProcrastinateJob.objects.exists()

    @pytest.mark.usefixtures("empty_queue")
    def test_is_said_once_where_the_reuse_ended_the_session(self, rotated, now, caplog):
        first, *_ = rotated
        self.present(first, now + HOUR, errors.RefreshTokenReused)
        self.present(first, now + 2 * HOUR)

        assert not self.events(first).exists()
        assert ProcrastinateJob.objects.count() == 1
        assert caplog.text.count("refresh_token_reused") == 1
        assert str(self.family(first).pk) in caplog.text

    def test_says_nothing_of_a_session_that_would_be_over_or_of_a_refused_key(self, rotated, now, settings):
        first, *_ = rotated
        self.end(first, now + MINUTE)
        self.present(first, now + timedelta(days=400))
        refresh_keys.rotate(emergency=True, now=now + HOUR)
        self.present(first, now + HOUR)

        assert not self.events(first).exists()
