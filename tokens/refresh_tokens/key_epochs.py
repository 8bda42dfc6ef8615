"""The epochs of the refresh token key, as far as this process knows them.

An epoch is a number from 1 to 255 from which the key of refresh tokens is derived (``secrets``). Each statement
that makes or exchanges a token compares the process's epoch with the database's, so a process that has not seen a
rotation learns of it before it returns a token.
"""

from tokens.conf import token_settings

FIRST = 1
LAST = 255  # one byte of the token


class RefreshKeyEpochs:
    """The current epoch, and the oldest that is accepted, as last read from the database."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget what was read from the database."""
        self._current = self._minimum = FIRST

    @property
    def current(self) -> int:
        """The epoch for new tokens."""
        return max(self._current, token_settings.REFRESH_KEY_EPOCH)

    def update_current(self, current: int | None) -> bool:
        """Store the current epoch of the database; return whether new tokens get a newer one."""
        return self.update(current=current, minimum=self._minimum)

    def update(self, *, current: int | None, minimum: int | None) -> bool:
        """Store both epochs of the database, ``None`` if it has none; return whether new tokens get a newer one."""
        before = self.current
        self._current, self._minimum = current or FIRST, minimum or FIRST
        return self.current > before

    def accepts(self, epoch: int) -> bool:
        """Return whether tokens of an epoch are accepted."""
        return epoch >= self._minimum


refresh_epochs = RefreshKeyEpochs()
