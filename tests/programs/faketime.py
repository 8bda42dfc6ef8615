"""A clock that a test sets: libfaketime gives one process another time, and changes it while the process runs."""

import time
from pathlib import Path

from tests.programs.debian_packages import unpack

LIBRARY = "libfaketimeMT.so.1"


class Clock:
    """The time of day of the processes that are started with ``settings``; it is right until ``jump``.

    What measures how long something takes (CLOCK_MONOTONIC) goes on as ever, as it does when an operator or NTP sets
    the clock of a machine.
    """

    def __init__(self, file):
        self._file = Path(file)
        installed = next(Path("/usr/lib").rglob(LIBRARY), None)
        library = installed or next(unpack("libfaketime", ["libfaketime"]).rglob(LIBRARY))
        self.settings = {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_CACHE_DURATION": "1",  # it reads the file again after so many seconds
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        self._write(0)

    def jump(self, seconds):
        """Set the clock to so many seconds from the right time, and wait until everybody has noticed."""
        self._write(seconds)
        time.sleep(2.1)

    def _write(self, seconds):
        # Renamed, so that nobody reads half of it.
        fresh = self._file.with_suffix(".fresh")
        fresh.write_text(f"{seconds:+d}")
        fresh.rename(self._file)
