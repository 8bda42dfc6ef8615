"""The table of the rotation's rules, line by line and to the second."""

import uuid
from datetime import timedelta

import pytest

from tokens.refresh_tokens.reuse_detection import (
    FamilyState,
    RefreshTokenStatus,
    RepeatCounts,
    RepeatLimits,
    classify,
    count_repeat,
)
from tokens.types import RefreshClaims

RACE, LOST = timedelta(seconds=10), timedelta(hours=24)
MOMENT = timedelta(microseconds=1)
NEVER = timedelta(0)
LIMITS = RepeatLimits(race=RACE, lost_reply=LOST, own_repeats=10, foreign_repeats=2)
ELSEWHERE = {"is_same_network": False}
OTHERWISE = {"is_same_kind": False}


def state_at(now, **changes):
    return FamilyState(
        **{
            "token_hash": b"present",
            "previous_token_hash": b"previous",
            "generation": 5,
            "confirmed_generation": 4,
            "rotated_at": now,
            "repeated_at": None,
            "expires_at": now + 30 * LOST,
            "is_ended": False,
            **changes,
        }
    )


class TestClassify:
    def ask(self, now, *, digest=b"previous", generation=4, **changes):
        claims = RefreshClaims(family_id=uuid.uuid4(), generation=generation, key_epoch=1, digest=digest)
        return classify(claims, state_at(now, **changes), limits=LIMITS, now=now)

    def test_knows_no_family_that_is_not_there(self, now):
        claims = RefreshClaims(family_id=uuid.uuid4(), generation=1, key_epoch=1, digest=b"x")

        assert classify(claims, None, limits=LIMITS, now=now) is RefreshTokenStatus.UNKNOWN

    @pytest.mark.parametrize("digest", [b"present", b"previous", b"old"])
    def test_gives_an_ended_family_no_grace(self, now, digest):
        assert self.ask(now, digest=digest, is_ended=True, expires_at=now) is RefreshTokenStatus.REVOKED

    @pytest.mark.parametrize(
        ("left", "status"), [(NEVER, RefreshTokenStatus.EXPIRED), (MOMENT, RefreshTokenStatus.RACE)]
    )
    def test_looks_at_the_expiry_next(self, now, left, status):
        assert self.ask(now, expires_at=now + left) is status

    def test_tries_the_present_token_again(self, now):
        assert self.ask(now, digest=b"present", generation=5) is RefreshTokenStatus.CURRENT

    @pytest.mark.parametrize("generation", [5, 6, 2**60])
    def test_knows_no_token_of_a_generation_to_come(self, now, generation):
        assert self.ask(now, digest=b"other", generation=generation) is RefreshTokenStatus.UNKNOWN

    @pytest.mark.parametrize(
        ("since", "status"),
        [
            (NEVER, RefreshTokenStatus.RACE),
            (RACE - MOMENT, RefreshTokenStatus.RACE),
            (RACE, RefreshTokenStatus.LOST_REPLY),
            (LOST - MOMENT, RefreshTokenStatus.LOST_REPLY),
            (LOST, RefreshTokenStatus.REUSED),
        ],
    )
    def test_gives_an_unused_successor_again_for_a_day(self, now, since, status):
        assert self.ask(now, rotated_at=now - since) is status

    @pytest.mark.parametrize("other", [ELSEWHERE, OTHERWISE, ELSEWHERE | OTHERWISE])
    @pytest.mark.parametrize(
        ("since", "status"),
        [
            (NEVER, RefreshTokenStatus.LOST_REPLY),
            (LOST - MOMENT, RefreshTokenStatus.LOST_REPLY),
            (LOST, RefreshTokenStatus.REUSED),
        ],
    )
    def test_knows_no_race_with_another_client(self, now, since, status, other):
        assert self.ask(now, rotated_at=now - since, **other) is status

    @pytest.mark.parametrize("other", [ELSEWHERE, OTHERWISE, ELSEWHERE | OTHERWISE])
    @pytest.mark.attack("RFC 9700, 4.14.2")
    def test_gives_a_used_successor_to_no_other_client_however_soon(self, now, other):
        assert self.ask(now, rotated_at=now, confirmed_generation=5, **other) is RefreshTokenStatus.REUSED

    @pytest.mark.parametrize(
        ("since", "status"),
        [(NEVER, RefreshTokenStatus.RACE), (RACE - MOMENT, RefreshTokenStatus.RACE), (RACE, RefreshTokenStatus.REUSED)],
    )
    def test_gives_a_used_successor_again_for_seconds(self, now, since, status):
        assert self.ask(now, rotated_at=now - since, confirmed_generation=5) is status

    def test_counts_the_seconds_from_when_it_was_last_given(self, now):
        assert self.ask(now, rotated_at=now - LOST, repeated_at=now, confirmed_generation=5) is RefreshTokenStatus.RACE

    def test_counts_the_day_from_when_it_was_made(self, now):
        assert self.ask(now, rotated_at=now - LOST, repeated_at=now - RACE) is RefreshTokenStatus.REUSED

    @pytest.mark.parametrize("confirmed", [4, 5])
    def test_sees_a_theft_in_anything_older(self, now, confirmed):
        assert self.ask(now, digest=b"old", generation=3, confirmed_generation=confirmed) is RefreshTokenStatus.REUSED

    @pytest.mark.parametrize(
        ("repeats", "status"), [(9, RefreshTokenStatus.LOST_REPLY), (10, RefreshTokenStatus.REUSED)]
    )
    @pytest.mark.attack("RFC 9700, 4.14.2")
    def test_forgives_a_client_ten_generations_in_a_row(self, now, repeats, status):
        assert self.ask(now, rotated_at=now - RACE, repeats=repeats) is status

    @pytest.mark.parametrize("other", [ELSEWHERE, OTHERWISE, ELSEWHERE | OTHERWISE])
    @pytest.mark.parametrize(
        ("repeats", "status"), [(1, RefreshTokenStatus.LOST_REPLY), (2, RefreshTokenStatus.REUSED)]
    )
    @pytest.mark.attack("RFC 9700, 4.14.2")
    def test_forgives_another_client_two(self, now, other, repeats, status):
        assert self.ask(now, repeats=repeats, foreign_repeats=repeats, **other) is status

    @pytest.mark.parametrize(
        ("repeats", "status"), [(9, RefreshTokenStatus.LOST_REPLY), (10, RefreshTokenStatus.REUSED)]
    )
    def test_has_one_budget_for_all_of_them(self, now, repeats, status):
        assert self.ask(now, repeats=repeats, foreign_repeats=0, **ELSEWHERE) is status

    def test_asks_no_budget_for_what_is_counted_already(self, now):
        spent = {"repeats": 10, "foreign_repeats": 2, "repeated_at": now - RACE}

        assert self.ask(now, rotated_at=now - RACE, **spent) is RefreshTokenStatus.LOST_REPLY
        assert self.ask(now, is_foreign_counted=True, **ELSEWHERE, **spent) is RefreshTokenStatus.LOST_REPLY
        assert self.ask(now, **ELSEWHERE, **spent) is RefreshTokenStatus.REUSED


class TestCountsWithRepeat:
    def test_counts_a_generation_once(self, now):
        first = count_repeat(state_at(now, repeats=3, foreign_repeats=1))
        again = count_repeat(state_at(now, repeats=4, foreign_repeats=1, repeated_at=now))

        assert first == again == RepeatCounts(repeats=4, foreign_repeats=1, is_foreign_counted=False)

    def test_counts_another_client_once_a_generation(self, now):
        first = count_repeat(state_at(now, repeats=3, foreign_repeats=1, **ELSEWHERE))
        again = count_repeat(
            state_at(
                now, repeats=4, foreign_repeats=2, repeated_at=now, is_foreign_counted=True, **ELSEWHERE, **OTHERWISE
            )
        )

        assert first == again == RepeatCounts(repeats=4, foreign_repeats=2, is_foreign_counted=True)

    def test_counts_another_client_behind_the_own_one(self, now):
        counts = count_repeat(state_at(now, repeats=4, repeated_at=now, **OTHERWISE))

        assert counts == RepeatCounts(repeats=4, foreign_repeats=1, is_foreign_counted=True)
