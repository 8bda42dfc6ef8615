"""Many repeats of one refresh token at the same moment: counted once, answered alike, and never forgiven twice."""

from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone

from security_events.models import SecurityEvent
from tests.factories.tokens import PHONE, family_of, open_session
from tokens import errors
from tokens.models import Session, TokenFamily
from tokens.refresh_tokens.key_epochs import refresh_epochs
from tokens.services import refresh_keys, rotation
from tokens.types import ClientContext

THREADS = 12
MINUTE = timedelta(minutes=1)
STRANGERS = [ClientContext(ip_address=f"198.51.{number}.9", user_agent="curl/8.0") for number in range(4)]


def rotate(token, client, now):
    return rotation.rotate(presented=token, client=client, now=now)


def asking(token, clients, now):
    """Return what each client would call to ask with a token."""
    return [partial(rotate, token, client, now) for client in clients]


class TestRepeatsAtOnce:
    @pytest.mark.attack("CWE-362")
    def test_count_once_a_generation_and_never_make_a_branch(self, at_once):
        now = timezone.now()
        pair = open_session(now=now)
        for generation in (1, 2):
            now += MINUTE
            new = rotate(pair.refresh_token, PHONE, now)
            clients = [[*STRANGERS, PHONE][number % 5] for number in range(THREADS)]
            got = at_once(*asking(pair.refresh_token, clients, now + MINUTE))

            assert {answer.refresh_token for answer in got} == {new.refresh_token}, got
            family = family_of(pair)
            assert (family.generation, family.repeats, family.foreign_repeats) == (
                generation + 1,
                generation,
                generation,
            )
            pair, now = new, now + MINUTE

    @pytest.mark.attack("CWE-362")
    def test_beyond_the_budget_end_the_session_once(self, at_once):
        now = timezone.now()
        pair = open_session(now=now)
        for _ in range(2):
            first = rotate(pair.refresh_token, PHONE, now + MINUTE)
            rotate(pair.refresh_token, STRANGERS[0], now + 2 * MINUTE)
            pair, now = first, now + 2 * MINUTE
        rotate(pair.refresh_token, PHONE, now + MINUTE)

        got = at_once(*asking(pair.refresh_token, [STRANGERS[1]] * THREADS, now + 2 * MINUTE))

        assert {type(answer) for answer in got} <= {errors.RefreshTokenReused, errors.SessionRevoked}, got
        session = Session.objects.get(pk=pair.session_id)
        assert session.end_reason == "reuse_detected"
        seen = SecurityEvent.objects.filter(session_id=pair.session_id, type="token.reuse_detected")
        assert seen.count() == 1

    def test_meet_a_rotation_and_both_are_right(self, at_once):
        """The owner goes on while others ask for the token before: what they get is one token or a refusal."""
        for _ in range(10):
            now = timezone.now()
            first = open_session(now=now)
            second = rotate(first.refresh_token, PHONE, now)
            got = at_once(
                *asking(second.refresh_token, [PHONE], now + MINUTE),
                *asking(first.refresh_token, [STRANGERS[0]] * 4, now + MINUTE),
            )

            kinds = {getattr(answer, "refresh_token", type(answer)) for answer in got[1:]}
            assert kinds <= {second.refresh_token, errors.RefreshTokenReused, errors.SessionRevoked}, got
            family = TokenFamily.objects.get(session_id=first.session_id)
            assert family.generation <= 3


class TestRotatingTheRefreshKey:
    def test_refuses_no_refresh_meanwhile(self, at_once):
        pairs = [open_session() for _ in range(6)]

        def go_on(number):
            pair = pairs[number]
            for _ in range(20):
                pair = rotation.rotate(presented=pair.refresh_token, now=timezone.now())
            return pair

        def rotate_key():  # each rotation costs a refresh one attempt of three: the process learns of it by failing
            for _ in range(2):
                refresh_keys.rotate(now=timezone.now())

        *went_on, rotated = at_once(*(lambda number=number: go_on(number) for number in range(6)), rotate_key)
        refresh_epochs.clear()

        assert rotated is None
        assert all(hasattr(pair, "refresh_token") for pair in went_on), went_on
        for pair in went_on:
            last = rotation.rotate(presented=pair.refresh_token, now=timezone.now())
            assert family_of(last).key_epoch == 3
        refresh_epochs.clear()
