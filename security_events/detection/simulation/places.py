"""Countries, providers, offices and VPNs of the simulated world, and the addresses that they give to clients.

Assumptions: a country has three providers of households (of 50, 30 and 20 per cent), two of phones (60 and 40) and five
cities, which get fewer people in the order of their size (Zipf). A household keeps its address for days to months. A
phone gets another one of its carrier's, anywhere in the country, with each sign-in. An office has one address for all,
and a VPN has exits in all countries. Countries differ in size by Zipf's law, too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

COUNTRIES = ("US", "DE", "BR", "IN", "GB", "FR", "ES", "TR", "IR", "AE", "NO", "NZ")
_FIRST_ASN = 64512  # RFC 6996: for private use


@dataclass(frozen=True, slots=True)
class City:
    """A city and where it is, in degrees."""

    country: str
    name: str
    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider or company. Its addresses are those of /16 networks that begin with ``prefix``."""

    asn: int
    country: str
    kind: str
    prefix: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a client is: its provider, its city and its address."""

    provider: Provider
    city: City
    ip_address: str


class World:
    """All countries, the same for one seed."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._made = 0
        self.cities = {country: _cities(country, rng) for country in COUNTRIES}
        self.households = {country: [self._provider(country, "household") for _ in range(3)] for country in COUNTRIES}
        self.carriers = {country: [self._provider(country, "mobile") for _ in range(2)] for country in COUNTRIES}
        self.hosters = {country: [self._provider(country, "hosting")] for country in COUNTRIES}
        self.vpns = [{country: self._provider(country, "vpn") for country in COUNTRIES} for _ in range(3)]

    def country(self, rng: Random) -> str:
        return rng.choices(COUNTRIES, zipf(len(COUNTRIES)))[0]

    def city(self, country: str, rng: Random) -> City:
        return rng.choices(self.cities[country], zipf(5))[0]

    def office(self, city: City) -> Place:
        """Return a new company with one address."""
        provider = self._provider(city.country, "office")
        return Place(provider, city, f"{provider.prefix}.0.1")

    def household(self, city: City, rng: Random) -> Place:
        """Return a new address of a household in a city."""
        provider = rng.choices(self.households[city.country], (5, 3, 2))[0]
        return self.address_of(provider, city, rng)

    def phone(self, city: City, rng: Random, *, carrier: int) -> Place:
        """Return the address that a phone gets now."""
        return self.address_of(self.carriers[city.country][carrier], self.city(city.country, rng), rng)

    def address_of(self, provider: Provider, city: City, rng: Random) -> Place:
        """Return an address of a provider in a city: each city has 16 of the 256 networks /24 to itself."""
        position = self.cities[city.country].index(city)
        return Place(provider, city, f"{provider.prefix}.{position * 16 + rng.randrange(16)}.{rng.randrange(1, 255)}")

    def _provider(self, country: str, kind: str) -> Provider:
        self._made += 1
        high, low = divmod(self._made, 256)
        return Provider(_FIRST_ASN + self._made, country, kind, f"{11 + high}.{low}")


def zipf(size: int) -> Sequence[float]:
    """Return the weights of Zipf's law: one, a half, a third, and so on."""
    return [1 / rank for rank in range(1, size + 1)]


def _cities(country: str, rng: Random) -> list[City]:
    latitude, longitude = rng.uniform(-45, 60), rng.uniform(-120, 150)
    return [
        City(country, f"{country}-{number}", latitude + rng.uniform(-4, 4), longitude + rng.uniform(-6, 6))
        for number in range(5)
    ]
