"""The log file of LOG_FILE. A file that can't be written any more stops no request: lines go to stderr meanwhile."""

import contextlib
import logging
import sys
from logging.handlers import WatchedFileHandler

WARNING_INTERVAL_SECONDS = 60.0


class LogFileHandler(WatchedFileHandler):
    """Appends to a file, and opens it again when it was renamed or deleted, as logrotate does.

    The standard library's handler raises into the code that logs when it can't open the file again, and prints a
    traceback for each line when the disk is full.
    """

    _warned_at = float("-inf")

    def emit(self, record: logging.LogRecord) -> None:
        try:
            super().emit(record)
        except OSError:
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the standard library's name
        """Write the line to stderr, after a sentence about the file that comes once a minute."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            super().handleError(record)
            return
        with contextlib.suppress(OSError, ValueError):
            if record.created - self._warned_at >= WARNING_INTERVAL_SECONDS:
                self._warned_at = record.created
                sys.stderr.write(f"LOG_FILE can't be written: {error.strerror}. Lines go here until it can be.\n")
            sys.stderr.write(self.format(record) + self.terminator)
