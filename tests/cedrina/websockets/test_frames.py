"""The bytes of frames, beside another library, and the number of frames that a client may send."""

import pytest
from websockets.frames import Frame, Opcode

from cedrina.websockets.frame_batches import FRAMES_OF_BATCH, FrameBatch, batches_of
from cedrina.websockets.frame_limits import FRAMES_AT_ONCE, FRAMES_PER_SECOND, FrameBudget


class TestFrameBatch:
    @pytest.mark.parametrize("length", [0, 1, 125, 126, 65_535, 65_536])
    def test_has_the_bytes_that_another_library_writes(self, length):
        texts = [b"x" * length, b"{}"]
        theirs = b"".join(Frame(Opcode.TEXT, text).serialize(mask=False) for text in texts)
        assert FrameBatch(texts).wire == theirs

    def test_is_cut_into_parts_that_know_their_last_event(self):
        frames = [(str(number), b"%d" % number) for number in range(2 * FRAMES_OF_BATCH + 1)]
        batches = batches_of(frames)
        assert [len(batch.texts) for batch in batches] == [FRAMES_OF_BATCH, FRAMES_OF_BATCH, 1]
        assert batches[0].last_event == str(FRAMES_OF_BATCH - 1)
        assert batches[-1].last_event == str(2 * FRAMES_OF_BATCH)
        assert batches_of([]) == []


class TestFrameBudget:
    def test_lets_a_client_send_some_at_once_and_few_after_that(self):
        budget = FrameBudget(now=0.0)
        assert sum(budget.spend(now=0.0) for _ in range(2 * FRAMES_AT_ONCE)) == FRAMES_AT_ONCE
        later = 1000.0
        assert sum(budget.spend(now=later) for _ in range(2 * FRAMES_AT_ONCE)) == FRAMES_AT_ONCE
        seconds = 50
        spent = sum(budget.spend(now=later + each / 100) for each in range(1, 100 * seconds + 1))
        assert abs(spent - seconds * FRAMES_PER_SECOND) <= 1
