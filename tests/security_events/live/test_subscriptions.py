"""A listener is given each event once, whatever comes in between."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from security_events.live.recent_events import RecentEvent, RecentEvents
from security_events.live.subscriptions import MOST_RESUMPTIONS, TooManyResumptions, TrailSubscription
from security_events.selectors.trail import START, TrailEvent, TrailPosition

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("commit"), st.integers(1, 6)),
        st.tuples(st.just("read"), st.integers(1, 5)),
        st.tuples(st.just("give"), st.integers(1, 4)),
        st.tuples(st.just("resume"), st.integers(0, 60)),
    ),
    max_size=60,
)


def event_at(number):
    """Return the event number ``number`` of a trail; several share a transaction."""
    position = TrailPosition(1 + number // 3, UUID(int=number))
    return TrailEvent(position, {"id": str(position.event_id)})


class Listener:
    """A trail, what its process has read, and one listener, moved by hand."""

    def __init__(self, before, kept):
        self.trail = [event_at(number) for number in range(before)]
        start = self.trail[-1].position if self.trail else START
        self.recent = RecentEvents(start, most=kept)
        self.subscription = TrailSubscription(start)
        self.given, self.resumed, self.asked, self.had = [], [], [], set()

    def commit(self, number):
        self.trail += [event_at(len(self.trail) + each) for each in range(number)]

    def read(self, limit):
        unread = [each for each in self.trail if each.position > self.recent.end]
        self.recent.append([RecentEvent(each) for each in unread[:limit]])

    def resume(self, number):
        if number < len(self.trail):
            position = self.trail[number].position
            try:
                live = self.subscription.live
                self.subscription.resume(position)
                self.had |= {each.position for each in self.trail if live < each.position <= position}
            except TooManyResumptions:
                return
            self.asked.append(position)

    def give(self, limit):
        """Give some events of the next part, as a consumer does; return whether there was one."""
        part = self.subscription.next_part(self.recent.end)
        if part is None:
            return False
        upto = part.after
        if not part.is_complete:
            found = self.recent.between(part.after, part.until, limit=limit)
            if found is None:
                stored = [each for each in self.trail if part.after < each.position <= part.until]
                found = stored[:limit]
            upto = found[-1].position if len(found) == limit else part.until
            self.given += [each.position for each in found]
        if self.subscription.advance(part, upto) and part.event_id is not None:
            self.resumed.append(part.event_id)
        return True

    def finish(self):
        while self.recent.end < (self.trail[-1].position if self.trail else START):
            self.read(3)
        while self.give(2):
            pass


@given(before=st.integers(0, 40), kept=st.integers(1, 8), steps=STEPS)
def test_each_event_is_given_once_and_none_is_left_out(before, kept, steps):
    listener = Listener(before, kept)
    start = listener.subscription.live
    for name, number in steps:
        getattr(listener, name)(number)
    listener.finish()
    lowest = min([start, *listener.asked])
    wanted = [each.position for each in listener.trail if each.position > lowest]
    assert len(set(listener.given)) == len(listener.given)
    # A client that names an event which its process has not read yet has got everything up to it elsewhere.
    assert set(wanted) - set(listener.given) <= listener.had
    assert set(listener.given) <= set(wanted)
    assert listener.resumed == [position.event_id for position in listener.asked]
    new = [position for position in listener.given if position > start]
    assert new == sorted(new)


def test_resumptions_that_wait_are_few():
    listener = Listener(5, 5)
    for _ in range(MOST_RESUMPTIONS):
        listener.subscription.resume(START)
    with pytest.raises(TooManyResumptions):
        listener.subscription.resume(START)
    listener.finish()
    listener.subscription.resume(START)


def test_memory_holds_the_newest_events_of_a_bounded_size():
    recent = RecentEvents(START)
    large = [
        RecentEvent(TrailEvent(TrailPosition(number + 1, UUID(int=number)), {"data": "x" * 1_000_000}))
        for number in range(40)
    ]
    for event in large:
        recent.append([event])
    kept = recent.between(recent.start, recent.end, limit=100)
    assert 10 < len(kept) < 17
    assert kept[-1] is large[-1]
    assert recent.between(START, recent.end, limit=100) is None
