"""What a rule says in Sigma 2.1, the language in which monitoring systems exchange rules.

Sigma can count events or different values within a time, and one event after others. It can't say that something did
*not* happen, nor a share, a distance or what is usual: ``wider`` says what a form leaves out. It then finds all that
the rule finds, and more.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


Value = str | int | tuple[str, ...]
"""What a field must be; one of several if it is a tuple."""


class SigmaCount(StrEnum):
    """What a form counts: the correlation types of the specification 2.1.0; ``ONE`` is a plain rule without one.

    ``ORDERED`` finds an event of each condition, in their order.
    """

    ONE = "one"
    EVENTS = "event_count"
    VALUES = "value_count"
    ORDERED = "temporal_ordered"


@dataclass(frozen=True, slots=True)
class SigmaForm:
    """Conditions on one event, of which one must hold, and what is counted of such events.

    ``threshold`` is the name of the rule's threshold that the count must reach, ``field`` the name of the member of
    ``Fact`` whose different values are counted. Events must be within ``seconds``: a number, the name of a threshold,
    or the rule's window if it is 0. ``conditions`` may use modifiers of Sigma (``days_since_last|gte``); a value of the
    form ``{name}`` is that of the threshold of this name. Events for which all of ``unless`` holds are left out.
    """

    conditions: tuple[Mapping[str, Value], ...]
    count: SigmaCount = SigmaCount.ONE
    threshold: str = ""
    field: str = ""
    seconds: int | str = 0
    wider: "StrOrPromise" = ""
    unless: Mapping[str, Value] | None = None
