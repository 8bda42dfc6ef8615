"""Events as rules see them: who, from where, with what, and whether it succeeded."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from security_events.geoip import Location, locate
from security_events.masking import truncate_ip
from security_events.relays import is_relay

_MINUTE = 60.0
_PASSWORD_ALONE = ["pwd"]  # RFC 8176, 2
_WITHOUT_DIGITS = str.maketrans("", "", "0123456789._")
# Members of an event's data that a fact has something of.
DATA_MEMBERS = (
    "amr",
    "days_since_last",
    "generations_behind",
    "idle_seconds",
    "is_familiar_client",
    "is_new_client",
    "repeats",
    "since",
)
_LARGEST = 1_000_000  # times that an event stands for, days, or seconds: data of a project's events may hold any number


@dataclass(slots=True)
class Fact:
    """One event, which nobody changes. It is not frozen, because to make a frozen one takes five times as long: 10 µs.

    ``at`` is in seconds since 1970, and an empty text is what is not known.

    ``account`` is the id of the account that the event is about, or the pseudonym of a name that no account has.
    ``actor`` is who acted. ``network`` is the /24 or /48 of the address, ``program`` a digest of the user agent without
    versions. ``is_unknown_name`` says that the account is a pseudonym. ``location`` is where the address is; that of a
    relay (``is_relay``) is not where the person is. ``times`` is how often it happened: an event that stands for
    repeats counts them, and the first of them happened at ``since``. ``operator`` is who acted on somebody or something
    else; nobody's own sign-ins have it.

    Sign-ins know of the account what no window holds: whether it ever signed in from this client before
    (``is_new_client``), how many days ago it last did, and whether a password was all that was shown.

    A reuse of a refresh token knows how many exchanges ago the token was the current one (``generations_behind``), how
    long ago the current one was last given out (``idle_seconds``), and whether it and the presented one seem to be on
    devices of the account's owner (``is_familiar_client``). Without evidence nothing is familiar.
    """

    event_id: str
    at: float
    type: str
    succeeded: bool
    account: str = ""
    actor: str = ""
    ip_address: str = ""
    network: str = ""
    program: str = ""
    is_unknown_name: bool = False
    location: Location | None = None
    is_relay: bool = False
    times: int = 1
    session_id: str = ""
    since: float = 0.0
    operator: str = ""
    is_new_client: bool = False
    is_password_alone: bool = False
    days_since_last: int = 0
    is_familiar_client: bool = False
    generations_behind: int = 0
    idle_seconds: int = 0

    @property
    def began_at(self) -> float:
        """When it happened first: ``at``, except for an event that stands for repeats."""
        return self.since or self.at

    @property
    def ended_at(self) -> float:
        """When it can have happened last: ``at``, and for repeats the end of the minute that they are counted in."""
        return min(self.at, (self.since // _MINUTE + 1) * _MINUTE) if self.since else self.at


class EventData(NamedTuple):
    """What a fact has of the data of its event."""

    times: int
    since: float
    is_new_client: bool
    is_password_alone: bool
    days_since_last: int
    is_familiar_client: bool
    generations_behind: int
    idle_seconds: int

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> "EventData":
        """Return what the data say; of these are needed the ``DATA_MEMBERS``."""
        return cls(
            times=_number(data.get("repeats"), 1, least=1),  # a summary of events; the first is one of its own
            since=_seconds(data.get("since")),
            is_new_client=data.get("is_new_client") is True,
            is_password_alone=data.get("amr") == _PASSWORD_ALONE,
            days_since_last=_number(data.get("days_since_last"), 0),
            is_familiar_client=data.get("is_familiar_client") is True,
            generations_behind=_number(data.get("generations_behind"), 0),
            idle_seconds=_number(data.get("idle_seconds"), 0),
        )


class Origin(NamedTuple):
    """What an address says: its place, its network, and whether it is that of a relay."""

    location: Location | None = None
    network: str = ""
    is_relay: bool = False


def origin_of(address: str) -> Origin:
    """Return what an address says; of an empty text nothing."""
    if not address:
        return Origin()
    location = locate(address)
    return Origin(location, truncate_ip(address), is_relay(address, asn=location.asn if location else 0))


def fact_from(form: Mapping[str, Any]) -> Fact:
    """Return the fact of an event, given its public form (``event_form``)."""
    return fact_of(
        event_id=form["id"],
        at=datetime.fromisoformat(form["occurred_at"]).timestamp(),
        event_type=form["type"],
        succeeded=form["outcome"] == "success",
        actor_id=form["actor_id"] or "",
        actor_pseudonym=form["actor_pseudonym"] or "",
        target_id=form["target_id"] or "",
        session_id=form["session_id"] or "",
        ip_address=form["ip_address"] or "",
        user_agent=form["user_agent"] or "",
        data=EventData.of(form["data"]),
    )


def fact_of(
    *,
    event_id: str,
    at: float,
    event_type: str,
    succeeded: bool,
    actor_id: str,
    actor_pseudonym: str,
    target_id: str,
    session_id: str,
    ip_address: str,
    user_agent: str,
    data: EventData,
    origins: Callable[[str], Origin] = origin_of,
) -> Fact:
    """Return the fact of an event, given what rules see of it.

    ``origins`` may remember what addresses say: a backtest meets each one many times.
    """
    location, network, is_relayed = origins(ip_address)
    known_id = target_id or actor_id
    return Fact(
        event_id=event_id,
        at=at,
        type=event_type,
        succeeded=succeeded,
        account=known_id or actor_pseudonym,
        actor=actor_id or actor_pseudonym,
        ip_address=ip_address,
        network=network,
        program=program_digest(user_agent),
        is_unknown_name=bool(actor_pseudonym) and not known_id,
        location=location,
        is_relay=is_relayed,
        times=data.times,
        session_id=session_id,
        since=data.since,
        operator=actor_id if actor_id != target_id else "",
        is_new_client=data.is_new_client,
        is_password_alone=data.is_password_alone,
        days_since_last=data.days_since_last,
        is_familiar_client=data.is_familiar_client,
        generations_behind=data.generations_behind,
        idle_seconds=data.idle_seconds,
    )


@lru_cache(maxsize=512)  # browsers of one version have one user agent: a third of the time of a fact
def program_digest(user_agent: str) -> str:
    """Return 32 digits that stand for a user agent without its versions; an empty text for none."""
    text = user_agent.translate(_WITHOUT_DIGITS)
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:32] if text else ""


def network_range(network: str) -> str:
    """Return the network of a fact as an address range, such as ``192.0.2.0/24``; an empty text for none."""
    return f"{network}/{48 if ':' in network else 24}" if network else ""


def _number(value: object, default: int, *, least: int = 0) -> int:
    return max(least, min(_LARGEST, value)) if isinstance(value, int) else default


def _seconds(value: object) -> float:
    """Return a time that an event's data holds; 0 if it is none."""
    try:
        return datetime.fromisoformat(value).timestamp() if isinstance(value, str) else 0.0
    except ValueError:
        return 0.0
