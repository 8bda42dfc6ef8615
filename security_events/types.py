"""Frozen values that cross layers."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class Severity(StrEnum):
    """How much an event of a type matters to an operator; the words are those of OCSF's ``severity``."""

    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Outcome(StrEnum):
    """Whether the recorded action took effect; OCSF calls it ``status``."""

    SUCCESS = "success"
    FAILURE = "failure"


class Category(StrEnum):
    """The categories of Cedrina's own event types. Another project may use further ones: a category is a word."""

    ACCOUNT = "account"
    AUTHENTICATION = "authentication"
    AUTHORIZATION = "authorization"
    SESSION = "session"
    KEY = "key"
    RATELIMIT = "ratelimit"
    NETWORK = "network"
    JOB = "job"
    DELIVERY = "delivery"


@dataclass(frozen=True, slots=True)
class Subject:
    """The actor or the target of an event: a person, a service, a key (RFC 9493 calls these subjects).

    The event stores ``name`` masked and does not refer to a row, because the row can change or be deleted while the
    event stays. An empty ``id`` means that the subject is not known here. ``full_name`` is not stored: its words are
    masked in what people and clients wrote, as ``name`` is.
    """

    id: str = ""
    name: str = ""
    full_name: str = ""


NO_SUBJECT = Subject()


@dataclass(frozen=True, slots=True)
class SubjectLink:
    """How the pages of events show an id: the name behind it, and the address of the page about it, empty for none."""

    name: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class SinkNotice:
    """What the owner of a sink is told: that it is ``parked`` or ``gone``, and why, or that it is ``active`` again."""

    sink_id: UUID
    kind: str
    name: str
    state: str
    reason: str
