"""Which key makes refresh tokens, as far as this process knows.

Each statement that mints or exchanges a token compares it with the database, so a process that has not heard of a
rotation learns of it before it gives a token out.
"""

from tokens.conf import token_settings

FIRST = 1
LAST = 255  # one byte of the token


class RefreshEpochs:
    """The newest epochs that the database has told this process of."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        self._current = self._minimum = FIRST

    @property
    def current(self) -> int:
        """The epoch to make tokens in."""
        return max(self._current, token_settings.REFRESH_KEY_EPOCH)

    def hear(self, current: int | None) -> bool:
        """Take over the current epoch alone; say whether tokens are made otherwise now."""
        return self.learn(current=current, minimum=self._minimum)

    def learn(self, *, current: int | None, minimum: int | None) -> bool:
        """Take over what the database has, ``None`` where it has nothing; say whether tokens are made otherwise now."""
        before = self.current
        self._current, self._minimum = current or FIRST, minimum or FIRST
        return self.current > before

    def accepts(self, epoch: int) -> bool:
        """Whether tokens of an epoch are accepted."""
        return epoch >= self._minimum


refresh_epochs = RefreshEpochs()
