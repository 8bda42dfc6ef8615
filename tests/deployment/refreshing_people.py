"""People who sign up, and who refresh their tokens while something happens to the servers."""

import threading
from contextlib import ExitStack, contextmanager

import httpx

from tests.journeys.person import Person


@contextmanager
def newcomers(server):
    """Give a function that registers a person; their clients are closed afterwards."""
    with ExitStack() as everything:

        def register():
            person = Person(server)
            everything.callback(person.close)
            answer = person.register()
            assert answer.status_code == 201, answer.text
            return person

        yield register


class Refreshing:
    """A person who refreshes again and again while the block runs; it keeps what was confirmed and what was not."""

    def __init__(self, person, *, pause=0.01):
        self.person, self.pause = person, pause
        self.confirmed, self.refused, self.cut = 0, [], 0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._go_on)

    def _go_on(self):
        while not self._end.wait(self.pause):
            try:
                answer = self.person.refresh()
            except httpx.TransportError:
                self.cut += 1
                continue
            if answer.status_code == 200:
                self.confirmed += 1
            else:
                self.refused.append((answer.status_code, answer.json().get("code")))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        self._thread.join()
