"""The clients of sign-ins as the table of facts stores them, for the risk of later ones.

A record is a JSON object with the members of ``ClientFacts`` that are known. The user agent is a digest: it is compared
only. A sign-in whose risk asked for a proof that was not given is ``suspect``: it teaches nothing for a while, because
whoever has a stolen password could otherwise become known by signing in twice.
"""

from collections.abc import Mapping
from dataclasses import asdict
from hashlib import blake2b
from typing import Any

from security_events.detection.sign_ins import ClientFacts
from security_events.geoip import locate
from security_events.masking import truncate_ip
from security_events.relays import is_relay
from security_events.user_agents import name_of, program_of

SUSPECT = "suspect"
RISK = "risk"
SIGNED_IN = ".login_succeeded"  # the end of the types of events of successful sign-ins
_MEMBERS = frozenset(ClientFacts.__dataclass_fields__)
_UNLEARNED = frozenset({"step_up", "refuse"})
_MULTI_FACTOR = "mfa"  # RFC 8176


def client_of(*, ip_address: str | None, user_agent: str | None) -> ClientFacts:
    """Return what is known of a client, given its address and its user agent as events store them."""
    address, agent = ip_address or "", user_agent or ""
    place, program = locate(address), program_of(agent)
    return ClientFacts(
        ip_address=address,
        network=truncate_ip(address) if address else "",
        asn=place.asn if place else 0,
        country=place.country if place else "",
        region=place.region if place else "",
        city=place.city if place else "",
        latitude=place.latitude if place else None,
        longitude=place.longitude if place else None,
        radius_km=place.radius_km if place else 0,
        is_relay=is_relay(address, asn=place.asn if place else 0),
        user_agent=blake2b(agent.encode(errors="replace"), digest_size=8).hexdigest() if agent else "",
        browser=name_of(agent),
        system=program.system,
        device_type=program.device_type,
    )


def client_facts(form: Mapping[str, Any]) -> dict[str, Any]:
    """Return the record of a successful sign-in, given the public form of its event."""
    client = client_of(ip_address=form["ip_address"], user_agent=form["user_agent"])
    record = {name: value for name, value in asdict(client).items() if value not in ("", 0, None, False)}
    risk = form["data"].get("risk")
    if isinstance(risk, Mapping):
        record[RISK] = form["risk_score"]
        if risk.get("choice") in _UNLEARNED and _MULTI_FACTOR not in form["data"].get("amr", ()):
            record[SUSPECT] = True
    return record


def sign_in_client(form: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the record of an event's client, if it is that of a successful sign-in with a known account."""
    is_sign_in = form["type"].endswith(SIGNED_IN) and form["outcome"] == "success" and form["target_id"]
    return client_facts(form) if is_sign_in else None


def client_from(record: Mapping[str, Any]) -> ClientFacts:
    """Return the client of a record. What this version does not know is left out."""
    known = {name: value for name, value in record.items() if name in _MEMBERS}
    return ClientFacts(**{"ip_address": "", **known})
