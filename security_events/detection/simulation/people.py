"""People with habits, and the stream of their sign-ins.

Assumptions: a person lives in one city; 45 per cent also work in an office of 20 to 80 people behind one address. A
person has a computer or a phone or both, and gets another one about every 500 days. They sign in every one to seven
days, around hours of their own. Of 100 people, 8 use a VPN for most sign-ins, 12 travel for three to ten days about
every 60 days, and all sometimes use the wifi of a shop. People who type passwords mistype 3 to 15 per cent of them,
people with a password manager (40 per cent) half a per cent.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import merge
from random import Random

from security_events.detection.sign_ins import ClientFacts, SignIn
from security_events.detection.simulation.places import City, Place, World
from security_events.detection.simulation.programs import Device, device, program

DAY = 86400
_JOURNEY = 24 * 3600.0  # seconds that people need at least between two places far from each other
BEGIN = 1_700_006_400.0  # 2023-11-15, midnight in UTC


@dataclass(slots=True)
class Person:
    """What a person does at sign-ins."""

    account: str
    city: City
    office: Place | None
    devices: list[Device]
    vpn: int | None
    is_traveller: bool
    mistypes: float
    every: float
    hour: float
    lease: float
    carrier: int


@dataclass(frozen=True, slots=True)
class PlannedSignIn:
    """A sign-in of an honest person."""

    person: Person
    sign_in: SignIn


class Population:
    """A number of people in a world; the same for one seed."""

    def __init__(self, *, seed: int, people: int) -> None:
        rng = Random(seed)  # noqa: S311 - a simulation, no secret
        self.world = World(rng)
        self._offices: dict[City, Place] = {}
        self.people = [self._person(number, rng) for number in range(people)]
        self._seed = seed

    def sign_ins(self, *, days: int) -> Iterator[PlannedSignIn]:
        """Return the sign-ins of all people in the order of time, those with a mistyped password included."""
        return merge(*(self._of(person, days) for person in self.people), key=lambda planned: planned.sign_in.at)

    def _person(self, number: int, rng: Random) -> Person:
        world = self.world
        city = world.city(world.country(rng), rng)
        office = None
        if rng.random() < 0.45:
            office = self._offices.get(city)
            if office is None or rng.random() < 1 / rng.randint(20, 80):
                office = self._offices[city] = world.office(city)
        has_computer = rng.random() < 0.75
        devices = [device(rng, phone=False)] if has_computer else []
        if not has_computer or rng.random() < 0.7:
            devices.append(device(rng, phone=True))
        return Person(
            account=f"person-{number}",
            city=city,
            office=office,
            devices=devices,
            vpn=rng.randrange(3) if rng.random() < 0.08 else None,
            is_traveller=rng.random() < 0.12,
            mistypes=0.005 if rng.random() < 0.4 else rng.uniform(0.03, 0.15),
            every=rng.uniform(1, 7) * DAY,
            hour=rng.gauss(14, 4) % 24,
            lease=rng.choice((2, 14, 60, 200)) * DAY,
            carrier=rng.choices((0, 1), (6, 4))[0],
        )

    def _of(self, person: Person, days: int) -> Iterator[PlannedSignIn]:
        rng = Random(f"{self._seed} {person.account}")  # noqa: S311 - a simulation, no secret
        devices = list(person.devices)
        home, home_until = self.world.household(person.city, rng), 0.0
        away_until, away, was_away = 0.0, person.city, False
        at = BEGIN + rng.uniform(0, person.every)
        while at < BEGIN + days * DAY:
            if at > home_until:
                home = self.world.address_of(home.provider, home.city, rng)
                home_until = at + rng.expovariate(1 / person.lease)
            if person.is_traveller and at > away_until and rng.random() < person.every / (60 * DAY):
                away_until, away = at + rng.uniform(3, 10) * DAY, self.world.city(self.world.country(rng), rng)
            if was_away != (at < away_until):
                was_away = not was_away
                at += _JOURNEY
            if rng.random() < person.every / (500 * DAY):
                old = rng.randrange(len(devices))
                devices[old] = device(rng, phone=devices[old].kind == "mobile")
            used = rng.choice(devices)
            place = self._place(person, used, home, away if at < away_until else None, rng)
            client = facts(place, used, at)
            while rng.random() < person.mistypes:
                yield PlannedSignIn(person, SignIn(at, person.account, client, succeeded=False))
                at += rng.uniform(3, 15)
            yield PlannedSignIn(person, SignIn(at, person.account, client, succeeded=True))
            at = _at_hour(at + rng.expovariate(1 / person.every), rng.gauss(person.hour, 2), rng)

    def _place(self, person: Person, used: Device, home: Place, away: City | None, rng: Random) -> Place:
        world, city = self.world, away or person.city
        if person.vpn is not None and rng.random() < 0.7:
            country = person.city.country if rng.random() < 0.6 else rng.choice(list(world.vpns[person.vpn]))
            exit_ = world.vpns[person.vpn][country]
            return world.address_of(exit_, world.cities[country][0], rng)
        if used.kind == "mobile" and rng.random() < 0.5:
            return world.phone(city, rng, carrier=person.carrier)
        if rng.random() < 0.04 or away:
            return world.household(city, rng)  # the wifi of a shop or a hotel
        if person.office is not None and rng.random() < 0.5:
            return person.office
        return home


def facts(place: Place, used: Device, at: float) -> ClientFacts:
    """Return what a server learns of a device at a place."""
    said = program(used, at)
    return ClientFacts(
        ip_address=place.ip_address,
        network=place.ip_address.rpartition(".")[0],
        asn=place.provider.asn,
        country=place.provider.country,
        region=place.provider.country,
        city=place.city.name,
        latitude=place.city.latitude,
        longitude=place.city.longitude,
        is_relay=place.provider.kind in ("vpn", "mobile"),
        user_agent=said.user_agent,
        browser=said.browser,
        system=said.system,
        device_type=said.device_type,
    )


def _at_hour(at: float, hour: float, rng: Random) -> float:
    day = at // DAY * DAY
    moved = day + (hour % 24) * 3600
    return moved if moved > at else at + rng.uniform(0, 3600)
