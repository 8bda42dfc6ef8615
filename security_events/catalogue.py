"""The catalogue of event types: the sum of what all installed apps declare.

Each app declares its types in its module ``event_types``, which is imported when Django starts::

    PASSWORD_CHANGED = register(EventType("password.changed", Category.ACCOUNT, Severity.LOW, base_risk=5, ...))

and records them by these constants: ``recording.record(event_types.PASSWORD_CHANGED, ...)``.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from security_events.errors import EventTypeTaken, InvalidEventType
from security_events.types import Severity

_ID = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")
_ID_LENGTH = 64
_CATEGORY_LENGTH = 32


@dataclass(frozen=True, slots=True, eq=False)
class EventType:
    """What is fixed for all events of one type.

    ``id`` is stored with each event and never changes: ``noun.past_verb``, at most 64 characters. ``base_risk`` is from
    0 to 100. ``ocsf_type_uid`` says which OCSF class and activity the type is exported as. ``data`` lists the keys that
    the event's data may hold. Under ``note`` stands what an operator wrote: names of actor and target are masked in it.
    ``erases_target`` says that the target's personal data was erased: detection forgets what it had of them.

    Raises: InvalidEventType.
    """

    id: str
    category: str
    severity: Severity
    base_risk: int
    ocsf_type_uid: int | None = None
    data: tuple[str, ...] = ()
    erases_target: bool = False

    def __post_init__(self) -> None:
        if _ID.fullmatch(self.id) is None or len(self.id) > _ID_LENGTH:
            raise InvalidEventType(f"{self.id!r} is no id of an event type, such as 'invoice.paid'.")
        if not 0 < len(self.category) <= _CATEGORY_LENGTH:
            raise InvalidEventType(f"The category of {self.id} must have 1 to {_CATEGORY_LENGTH} characters.")
        if not 0 <= self.base_risk <= 100:
            raise InvalidEventType(f"The base risk of {self.id} must be from 0 to 100.")

    def __str__(self) -> str:
        return self.id

    @property
    def ocsf_class_uid(self) -> int | None:
        """The OCSF class, such as 3002 for Authentication."""
        return self.ocsf_type_uid // 100 if self.ocsf_type_uid else None

    @property
    def ocsf_activity_id(self) -> int | None:
        """The activity inside of the OCSF class, such as 1 for Logon."""
        return self.ocsf_type_uid % 100 if self.ocsf_type_uid else None


_registered: dict[str, EventType] = {}

CATALOGUE: Mapping[str, EventType] = MappingProxyType(_registered)
"""All declared event types by their ids. It grows while Django starts."""


def register(event_type: EventType) -> EventType:
    """Add a type to the catalogue and return it.

    Raises: EventTypeTaken.
    """
    if _registered.setdefault(event_type.id, event_type) is not event_type:
        raise EventTypeTaken(event_type.id)
    return event_type


def is_declared(event_type: object) -> bool:
    """Say whether this very type was registered; an equal one that was not is not declared."""
    return isinstance(event_type, EventType) and _registered.get(event_type.id) is event_type


def type_choices() -> list[tuple[str, str]]:
    """Return the ids of all declared types, as choices of a model's field. Ids are not translated."""
    return [(each, each) for each in sorted(_registered)]
