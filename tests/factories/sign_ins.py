"""Sign-ins of the past, as the worker of detection stores them, and a database of places for their addresses."""

from datetime import timedelta
from pathlib import Path
from uuid import UUID

from django.utils import timezone
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from cedrina_base.uuids import uuid7
from security_events.selectors.trail import TrailEvent, TrailPosition
from security_events.services.detection import facts

HOME, OFFICE, ABROAD = "203.0.113.7", "203.0.113.200", "198.51.100.9"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0.0.0 Safari/537.36"
)
_OSLO = {"country": "NO", "city": "Oslo", "latitude": 59.91, "longitude": 10.75, "asn": 64512}
_RECIFE = {"country": "BR", "city": "Recife", "latitude": -8.05, "longitude": -34.9, "asn": 64999}


def form_of(account, *, at, address=HOME, user_agent=FIREFOX, choice=None, amr=("pwd",), score=0):
    """Return the public form of the event of a sign-in, with what detection reads of it."""
    return {
        "id": str(uuid7()),
        "occurred_at": at.isoformat(),
        "type": "authentication.login_succeeded",
        "outcome": "success",
        "actor_id": str(account),
        "actor_pseudonym": None,
        "target_id": str(account),
        "session_id": None,
        "ip_address": address,
        "user_agent": user_agent,
        "risk_score": score,
        "data": {"amr": list(amr), **({"risk": {"choice": choice}} if choice else {})},
    }


def learn(*forms):
    """Store the facts of sign-ins by the code of the worker."""
    events = [TrailEvent(TrailPosition(1, UUID(form["id"])), form) for form in forms]
    facts.insert(facts.facts_of(events))


def past_sign_ins(account, *, days=12, until=1, now=None, **client):
    """Store a sign-in a day, at this hour, up to ``until`` days ago."""
    now = now or timezone.now()
    learn(*(form_of(account, at=now - timedelta(days=day), **client) for day in range(until + days - 1, until - 1, -1)))


def places_file(folder: Path) -> str:
    """Write a database in which home and office are in Oslo, and ``ABROAD`` is in Recife; return its path."""
    writer = MMDBWriter(6, "Test", ipv4_compatible=True, languages=["en"], description="", float_type="f64")
    for network, place in (("203.0.113.0/24", _OSLO), ("198.51.100.0/24", _RECIFE)):
        writer.insert_network(
            IPSet([network]),
            {
                "country": {"iso_code": place["country"]},
                "city": {"names": {"en": place["city"]}},
                "location": {"latitude": place["latitude"], "longitude": place["longitude"], "accuracy_radius": 20},
                "autonomous_system_number": place["asn"],
            },
        )
    path = folder / "places.mmdb"
    writer.to_db_file(str(path))
    return str(path)
