"""A result that is kept for a moment."""

import threading

from cedrina.monitoring.recent import Recent


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


class TestGet:
    def test_makes_the_result_again_when_it_is_too_old(self):
        clock, made = Clock(), []
        recent = Recent(lambda: made.append(clock.now) or len(made), seconds=1, clock=clock)
        assert [recent.get(), recent.get()] == [1, 1]
        clock.now += 0.999
        assert recent.get() == 1
        clock.now += 0.001
        assert recent.get() == 2
        recent.forget()
        assert recent.get() == 3

    def test_lets_one_thread_make_it_for_all(self):
        made, everybody = [], threading.Barrier(8)

        def slow():
            made.append(1)
            return "result"

        recent = Recent(slow, seconds=60)
        found = []

        def ask():
            everybody.wait()
            found.append(recent.get())

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (len(made), found) == (1, ["result"] * 8)
