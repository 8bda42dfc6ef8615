"""What is known about a request: values by dotted names such as ``subject.department`` or ``resource.owner.id``."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.utils.translation import gettext as _

from accounts.access.errors import RuleInvalid

ROOTS = ("subject", "resource", "action", "context")
MAX_DEPTH = 8


class _Missing:
    """The value of an attribute that is not known. ``None`` is a value: a document may be known to have no owner."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Any = _Missing()

Attributes = Mapping[str, Mapping[str, Any]]
"""The values by their roots."""

Reader = Callable[[Attributes], Any]


def reader(name: str, *, member: str) -> Reader:
    """Return a function that reads the attribute of a dotted name; it returns ``MISSING`` for what is not known.

    Raises: RuleInvalid, for the rule's ``member`` that has the name.
    """
    root, *steps = name.split(".")
    if not is_name(name):
        raise RuleInvalid(member, _("An attribute has a name such as subject.department or resource.owner."))
    if len(steps) == 1:
        (step,) = steps
        return lambda attributes: attributes.get(root, _NOTHING).get(step, MISSING)

    def read(attributes: Attributes) -> Any:
        value: Any = attributes.get(root, _NOTHING)
        for step in steps:
            value = value.get(step, MISSING) if isinstance(value, Mapping) else MISSING
        return value

    return read


def is_name(text: str) -> bool:
    """Return whether a text is the dotted name of an attribute."""
    root, *steps = text.split(".")
    return root in ROOTS and 0 < len(steps) <= MAX_DEPTH and all(steps)


def only(attributes: Attributes, names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return those attributes that have one of the names, nested as they were; readers find the same values there."""
    found: dict[str, dict[str, Any]] = {}
    whole: list[str] = []  # objects that are taken with all their members
    for name in sorted(names):  # an object comes before its members
        if any(name.startswith(each) for each in whole):
            continue
        value = reader(name, member="conditions")(attributes)
        if value is MISSING:
            continue
        if isinstance(value, Mapping):
            whole.append(name + ".")
        root, *steps, last = name.split(".")
        place: dict[str, Any] = found.setdefault(root, {})
        for step in steps:
            place = place.setdefault(step, {})
        place[last] = value
    return found


_NOTHING: Mapping[str, Any] = {}
