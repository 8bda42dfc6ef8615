"""The base of each app's errors."""

from django.utils.functional import Promise


class AppError(Exception):
    """A request that an app refuses. Each app derives one root from it, and all its errors from that root.

    ``code`` is what the API answers with. A subclass keeps the code of its root unless the caller can do something
    different about it; security events name the class. ``message`` is the sentence for people.
    """

    code: str
    message: str | Promise

    def __init__(self, **context: object) -> None:
        super().__init__(self.code)
        self.context = context  # never sent to the caller
