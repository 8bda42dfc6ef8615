"""Read what callers claim of a question: attributes by their roots. Bounded, since conditions look through them."""

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.access.deciding.attributes import MAX_DEPTH, ROOTS
from accounts.access.services.questions import Claims

_ROOTS = frozenset(ROOTS)
MOST_VALUES = 1000  # in all attributes of a question
LONGEST_TEXT = 4096
_LARGEST = 2**63  # of a number
_NUMBERS, _CONTAINERS = (int, float), (dict, list)  # of JSON

_TOO_MANY = _("These are more than 1000 values.")
_TOO_DEEP = _("Attributes have at most 8 levels.")
_TOO_LONG = _("A text has at most 4096 characters, and no NUL.")
_TOO_LARGE = _("A number lies between -2^63 and 2^63.")
_UNKNOWN_ROOT = _("Attributes have the members subject, resource, action and context.")
_NO_OBJECT = _("This is an object with members.")
_ABOUT_ONESELF = _("Who you are is known already. Only claims about others are taken.")


class ClaimInvalid(Exception):
    """Something that is claimed can't be taken. ``member`` is its name, ``sentence`` says to people what is wrong."""

    def __init__(self, member: str, sentence: str | Promise) -> None:
        super().__init__(member)
        self.member, self.sentence = member, sentence


def read_claims(given: Any, *, member: str = "attributes", is_about_oneself: bool) -> Claims:
    """Return attributes as they were given: an object of objects, by their roots.

    Nobody makes claims about themselves: only the project knows who somebody is.

    Raises: ClaimInvalid.
    """
    if not isinstance(given, dict):
        raise ClaimInvalid(member, _NO_OBJECT)
    if not _ROOTS.issuperset(given):
        raise ClaimInvalid(member, _UNKNOWN_ROOT)
    if is_about_oneself and "subject" in given:
        raise ClaimInvalid(f"{member}.subject", _ABOUT_ONESELF)
    left = MOST_VALUES
    for root, values in given.items():
        if not isinstance(values, dict):
            raise ClaimInvalid(f"{member}.{root}", _NO_OBJECT)
        try:
            left = _count(values, left, MAX_DEPTH, root)
        except ClaimInvalid as error:
            raise ClaimInvalid(f"{member}.{root}", error.sentence) from error
    return given


def _count(value: Any, left: int, depth: int, member: str) -> int:
    """Return how many values may follow this one, and those inside it."""
    left -= 1
    if left < 0:
        raise ClaimInvalid(member, _TOO_MANY)
    if isinstance(value, str):
        if len(value) > LONGEST_TEXT or "\x00" in value:
            raise ClaimInvalid(member, _TOO_LONG)
    elif isinstance(value, _NUMBERS):
        if not -_LARGEST <= value <= _LARGEST:  # also for what is no number
            raise ClaimInvalid(member, _TOO_LARGE)
    elif isinstance(value, _CONTAINERS):
        if not depth:
            raise ClaimInvalid(member, _TOO_DEEP)
        for each in value.values() if isinstance(value, dict) else value:
            # Short texts are what most values are; a call for each of them would take more time than the decision.
            if type(each) is str and len(each) <= LONGEST_TEXT and "\x00" not in each and left:
                left -= 1
            else:
                left = _count(each, left, depth - 1, member)
    return left
