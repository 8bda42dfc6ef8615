"""How commands take a password: typed twice, or from standard input. Never as an argument, which others can see."""

import getpass
import sys

from django.utils.translation import gettext

_TRIES = 3


def typed_twice() -> str | None:
    """Ask for a password until it is typed the same way twice; ``None`` when it never is, or is empty."""
    for _ in range(_TRIES):
        first = getpass.getpass(gettext("Password:") + " ")
        if not first:
            return None
        if first == getpass.getpass(gettext("Password (again):") + " "):
            return first
        sys.stderr.write(gettext("The two passwords differ.") + "\n")
    return None


def from_standard_input() -> str | None:
    """Return the first line, ``None`` when there is none."""
    return sys.stdin.readline().rstrip("\r\n") or None
