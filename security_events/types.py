"""Frozen values that cross layers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
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
    DETECTION = "detection"


class RuleMode(StrEnum):
    """What a finding of a detection rule leads to: nothing, a figure and an event, or an incident and responses."""

    OFF = "off"
    SHADOW = "shadow"
    ENFORCE = "enforce"


class ResponseKind(StrEnum):
    """What is done about an enforced finding. Other apps act on it, by the signals of ``security_events.signals``."""

    NOTIFY = "notify"  # tell the person
    STEP_UP = "step_up"  # ask for a proof at the next sensitive call of a session
    TIGHTEN_NETWORK = "tighten_network"  # lower the limits of a network
    LOCK_FACTOR = "lock_factor"  # take no codes of a second factor for a while
    END_SESSIONS = "end_sessions"


class RiskChoice(StrEnum):
    """What is done about the risk of a sign-in, the mildest first."""

    ALLOW = "allow"
    NOTIFY = "notify"  # tell the person
    STEP_UP = "step_up"  # ask for a proof at the next sensitive call
    REFUSE = "refuse"  # as if the password was wrong


class IncidentStatus(StrEnum):
    """How far an operator is with an incident."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class Verdict(StrEnum):
    """What an operator found: an attack, no attack, or what the rule looks for, but permitted."""

    TRUE_POSITIVE = "true_positive"
    FALSE_POSITIVE = "false_positive"
    BENIGN = "benign"


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


@dataclass(frozen=True, slots=True)
class ResponseOrder:
    """A response to a finding: what is to be done, to whom, and until when.

    ``subject`` is the id of an account, ``session_id`` the session that the finding is about, ``network`` an address
    range such as ``192.0.2.0/24``. What the kind does not need is empty. ``ends_at`` is ``None`` for what has no end of
    its own, such as a mail. ``evidence`` are the counts that crossed the thresholds of the rule. ``since`` is when the
    attack began, as far as the finding shows it; ``None`` if the response is taken back.
    """

    id: UUID
    incident_id: UUID
    rule: str
    kind: ResponseKind
    subject: str = ""
    session_id: UUID | None = None
    network: str = ""
    ends_at: datetime | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)
    since: datetime | None = None
