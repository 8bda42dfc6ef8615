"""What the risk of a sign-in takes into account beside habits: impossible travel, known devices, recent attacks."""

from collections.abc import Sequence
from dataclasses import dataclass

from security_events.detection.sign_ins import ClientFacts, PastSignIn
from security_events.geoip import Location, distance_km

_LAST_PLACES = 5
_NEAR_KILOMETRES = 100  # a place that is as near as this to one of the last is no journey
_LARGEST_RADIUS = 200  # kilometres; a place of less accuracy says nothing
_SHORTEST_HOURS = 1 / 60


@dataclass(frozen=True, slots=True)
class TravelEvidence:
    """How far a sign-in is from the one before at least, and how fast somebody had to travel."""

    kilometres: int = 0
    kilometres_per_hour: int = 0


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is known of a sign-in that its client does not say.

    ``is_known_device``: the device has proved that the person signed in with it before. ``familiar`` of the account's
    sign-ins came from the same network, or from the same provider by the same program. ``account_attacks`` and
    ``network_attacks`` are the incidents of late about the account and about the network of the client. They count for
    strangers alone, whose device is not known and who have nothing familiar.
    """

    is_known_device: bool = False
    familiar: int = 0
    account_attacks: int = 0
    network_attacks: int = 0


NO_TRAVEL = TravelEvidence()
NO_CIRCUMSTANCES = Circumstances()


def travel_of(*, client: ClientFacts, at: float, history: Sequence[PastSignIn]) -> TravelEvidence:
    """Return the journey from the last sign-in, or none if the place is not known or near to one of the last ones."""
    place = _place(client)
    last = [(past.at, _place(past.client)) for past in list(history)[-3 * _LAST_PLACES :]]
    visited = [(moment, before) for moment, before in last if before is not None][-_LAST_PLACES:]
    if place is None or not visited:
        return NO_TRAVEL
    distances = [_kilometres(place, before) for _moment, before in visited]
    if min(distances) < _NEAR_KILOMETRES:
        return NO_TRAVEL
    hours = max(abs(at - visited[-1][0]) / 3600, _SHORTEST_HOURS)
    return TravelEvidence(int(distances[-1]), int(distances[-1] / hours))


def familiarity(*, client: ClientFacts, history: Sequence[PastSignIn]) -> int:
    """Return how many sign-ins came from the same network, or from the same provider by the same program."""
    return sum(1 for past in history if _is_alike(client, past.client))


def _is_alike(one: ClientFacts, other: ClientFacts) -> bool:
    if one.network and one.network == other.network:
        return True
    has_program = (one.browser, one.system) == (other.browser, other.system)
    return bool(one.asn) and one.asn == other.asn and has_program


def _place(client: ClientFacts) -> Location | None:
    if client.latitude is None or client.longitude is None or client.is_relay or client.radius_km > _LARGEST_RADIUS:
        return None
    return Location(latitude=client.latitude, longitude=client.longitude, radius_km=client.radius_km)


def _kilometres(one: Location, other: Location) -> float:
    """Return how far two places are from each other at least, given their accuracy."""
    return max(0.0, (distance_km(one, other) or 0.0) - one.radius_km - other.radius_km)
