"""Events as rules see them: who, from where, with what, and whether it succeeded."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from security_events.geoip import Location, locate
from security_events.masking import truncate_ip

_WITHOUT_DIGITS = str.maketrans("", "", "0123456789._")
_MOST_TIMES = 1_000_000  # that one event may stand for: data of a project's events may hold any number


@dataclass(frozen=True, slots=True)
class Fact:
    """One event. ``at`` is in seconds since 1970, and an empty text is what is not known.

    ``account`` is the id of the account that the event is about, or the pseudonym of a name that no account has.
    ``actor`` is who acted. ``network`` is the /24 or /48 of the address, ``program`` a digest of the user agent without
    versions. ``is_unknown_name`` says that the account is a pseudonym. ``location`` is where the address is; that of a
    relay (``is_relay``) is not where the person is. ``times`` is how often it happened: an event that stands for
    repeats counts them.
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


def fact_from(form: Mapping[str, Any]) -> Fact:
    """Return the fact of an event, given its public form (``event_form``)."""
    address = form["ip_address"] or ""
    known_id = form["target_id"] or form["actor_id"] or ""
    return Fact(
        event_id=form["id"],
        at=datetime.fromisoformat(form["occurred_at"]).timestamp(),
        type=form["type"],
        succeeded=form["outcome"] == "success",
        account=known_id or form["actor_pseudonym"] or "",
        actor=form["actor_id"] or form["actor_pseudonym"] or "",
        ip_address=address,
        network=truncate_ip(address) if address else "",
        program=program_digest(form["user_agent"] or ""),
        is_unknown_name=bool(form["actor_pseudonym"]) and not known_id,
        location=locate(address),
        times=_times(form["data"]),
        session_id=form["session_id"] or "",
    )


@lru_cache(maxsize=512)  # browsers of one version have one user agent: a third of the time of a fact
def program_digest(user_agent: str) -> str:
    """Return 32 digits that stand for a user agent without its versions; an empty text for none."""
    text = user_agent.translate(_WITHOUT_DIGITS)
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:32] if text else ""


def network_range(network: str) -> str:
    """Return the network of a fact as an address range, such as ``192.0.2.0/24``; an empty text for none."""
    return f"{network}/{48 if ':' in network else 24}" if network else ""


def _times(data: Mapping[str, Any]) -> int:
    repeats = data.get("repeats", 1)  # a summary of deduplicated events; the first one is an event of its own
    return max(1, min(_MOST_TIMES, repeats)) if isinstance(repeats, int) else 1
