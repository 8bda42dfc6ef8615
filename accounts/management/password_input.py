"""Read a password for a command: typed twice, or from standard input. Arguments are visible to other users."""

import getpass
import sys

from django.utils.translation import gettext

_MAX_ATTEMPTS = 3


def typed_twice() -> str | None:
    """Ask for a password twice, up to three times; ``None`` if the two never match or the password is empty."""
    for _ in range(_MAX_ATTEMPTS):
        first = getpass.getpass(gettext("Password:") + " ")
        if not first:
            return None
        if first == getpass.getpass(gettext("Password (again):") + " "):
            return first
        sys.stderr.write(gettext("The two passwords differ.") + "\n")
    return None


def from_standard_input() -> str | None:
    """Return the first line, ``None`` if there is none."""
    return sys.stdin.readline().rstrip("\r\n") or None
