"""Events as rules see them: who, from where, with what, and whether it succeeded."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from security_events.geoip import Location, locate
from security_events.masking import truncate_ip

_WITHOUT_DIGITS = str.maketrans("", "", "0123456789._")


@dataclass(frozen=True, slots=True)
class Fact:
    """One event. ``at`` is in seconds since 1970, and an empty text is what is not known.

    ``account`` is the id of the account that the event is about, or the pseudonym of a name that no account has.
    ``actor`` is who acted. ``network`` is the /24 or /48 of the address, ``program`` the user agent without versions.
    ``location`` is where the address is; that of a relay (``is_relay``) is not where the person is. ``times`` is how
    often it happened: an event that stands for repeats counts them.
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


def fact_from(form: Mapping[str, Any]) -> Fact:
    """Return the fact of an event, given its public form (``event_form``)."""
    address = form["ip_address"] or ""
    return Fact(
        event_id=form["id"],
        at=datetime.fromisoformat(form["occurred_at"]).timestamp(),
        type=form["type"],
        succeeded=form["outcome"] == "success",
        account=form["target_id"] or form["actor_id"] or form["actor_pseudonym"] or "",
        actor=form["actor_id"] or form["actor_pseudonym"] or "",
        ip_address=address,
        network=truncate_ip(address) if address else "",
        program=(form["user_agent"] or "").translate(_WITHOUT_DIGITS),
        is_unknown_name=bool(form["actor_pseudonym"]),
        location=locate(address),
        times=_times(form["data"]),
    )


def _times(data: Mapping[str, Any]) -> int:
    repeats = data.get("repeats", 1)  # a summary of deduplicated events; the first one is an event of its own
    return repeats if isinstance(repeats, int) else 1
