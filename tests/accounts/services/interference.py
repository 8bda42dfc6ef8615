"""A concurrent change while a request waits for its hash."""

from collections.abc import Callable


class Interference:
    change: Callable[[], object]

    def __enter__(self) -> None:
        type(self).change()

    def __exit__(self, *_details: object) -> None:
        pass
