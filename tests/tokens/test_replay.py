"""The table of the rotation's rules, line by line and to the second."""

import uuid
from datetime import timedelta

import pytest

from tokens.replay import Standing, Verdict, judge
from tokens.types import RefreshClaims

RACE, LOST = timedelta(seconds=10), timedelta(hours=24)
MOMENT = timedelta(microseconds=1)
NEVER = timedelta(0)


class TestJudge:
    def ask(self, now, *, digest=b"previous", generation=4, **changes):
        standing = {
            "token_hash": b"present",
            "previous_token_hash": b"previous",
            "generation": 5,
            "confirmed_generation": 4,
            "given_at": now,
            "rotated_at": now,
            "expires_at": now + 30 * LOST,
            "is_ended": False,
            "now": now,
            **changes,
        }
        claims = RefreshClaims(family_id=uuid.uuid4(), generation=generation, key_epoch=1, digest=digest)
        return judge(claims, Standing(**standing), race=RACE, lost_reply=LOST)

    def test_knows_no_family_that_is_not_there(self):
        claims = RefreshClaims(family_id=uuid.uuid4(), generation=1, key_epoch=1, digest=b"x")

        assert judge(claims, None, race=RACE, lost_reply=LOST) is Verdict.UNKNOWN

    @pytest.mark.parametrize("digest", [b"present", b"previous", b"old"])
    def test_gives_an_ended_family_no_grace(self, now, digest):
        assert self.ask(now, digest=digest, is_ended=True, expires_at=now) is Verdict.REVOKED

    @pytest.mark.parametrize(("left", "verdict"), [(NEVER, Verdict.EXPIRED), (MOMENT, Verdict.LOST_REPLY)])
    def test_looks_at_the_expiry_next(self, now, left, verdict):
        assert self.ask(now, expires_at=now + left) is verdict

    def test_tries_the_present_token_again(self, now):
        assert self.ask(now, digest=b"present", generation=5) is Verdict.CURRENT

    @pytest.mark.parametrize("generation", [5, 6, 2**60])
    def test_knows_no_token_of_a_generation_to_come(self, now, generation):
        assert self.ask(now, digest=b"other", generation=generation) is Verdict.UNKNOWN

    @pytest.mark.parametrize(
        ("since", "verdict"), [(NEVER, Verdict.LOST_REPLY), (LOST - MOMENT, Verdict.LOST_REPLY), (LOST, Verdict.REUSED)]
    )
    def test_gives_an_unused_successor_again_for_a_day(self, now, since, verdict):
        assert self.ask(now, rotated_at=now - since, given_at=now - since) is verdict

    @pytest.mark.parametrize(
        ("since", "verdict"), [(NEVER, Verdict.RACE), (RACE - MOMENT, Verdict.RACE), (RACE, Verdict.REUSED)]
    )
    def test_gives_a_used_successor_again_for_seconds(self, now, since, verdict):
        assert self.ask(now, rotated_at=now - since, given_at=now - since, confirmed_generation=5) is verdict

    def test_counts_the_seconds_from_when_it_was_last_given(self, now):
        assert self.ask(now, rotated_at=now - LOST, confirmed_generation=5) is Verdict.RACE

    def test_counts_the_day_from_when_it_was_made(self, now):
        assert self.ask(now, rotated_at=now - LOST, given_at=now - RACE) is Verdict.REUSED

    @pytest.mark.parametrize("confirmed", [4, 5])
    def test_sees_a_theft_in_anything_older(self, now, confirmed):
        assert self.ask(now, digest=b"old", generation=3, confirmed_generation=confirmed) is Verdict.REUSED
