"""Attacks on a simulated population, each with the rule that must find it.

Assumptions: an attack begins at any moment of the stream and has two to ten times the tries that a rule needs. Lists of
stolen passwords hold names that nobody has here, too (60 per cent), and 2 per cent of their passwords are right.
Attackers use networks of hosters, or those of households by a botnet, and programs that are common or their own.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from random import Random

from security_events.detection.facts import Fact
from security_events.detection.simulation.people import BEGIN, DAY, Person, Population
from security_events.detection.simulation.places import COUNTRIES, Place
from security_events.detection.simulation.programs import device, program
from security_events.geoip import Location

FAILED, SUCCEEDED = "authentication.login_failed", "authentication.login_succeeded"
RESET_REQUESTED, MFA_FAILED, CHALLENGED = "password.reset_requested", "mfa.failed", "mfa.challenged"


@dataclass(frozen=True, slots=True)
class Campaign:
    """One attack: the rule that must find it, and its facts in the order of time."""

    rule: str
    facts: tuple[Fact, ...]


class Attackers:
    """Makes campaigns against a population."""

    def __init__(self, population: Population, *, days: int, rng: Random) -> None:
        self._population, self.days, self._rng = population, days, rng
        self._made = 0
        self.taken_over: set[str] = set()
        self.honest = [planned for planned in population.sign_ins(days=days) if planned.sign_in.succeeded]
        self.at_home = [
            planned
            for planned in self.honest
            if not planned.sign_in.client.is_relay and not planned.person.is_traveller
        ]

    def campaigns(self, *, each: int) -> list[Campaign]:
        """Return a number of campaigns for each rule."""
        return [Campaign(rule, tuple(make())) for rule, make in self.makers().items() for _ in range(each)]

    def makers(self) -> dict[str, Callable[[], Iterator[Fact]]]:
        """Return what makes a campaign, by the rule that must find it."""
        return {
            "brute_force": self._brute_force,
            "distributed_brute_force": self._distributed_brute_force,
            "credential_stuffing": self._stuffing,
            "password_spraying": self._spraying,
            "distributed_spraying": self._distributed_spraying,
            "enumeration": self._enumeration,
            "impossible_travel": self._impossible_travel,
            "mfa_guessing": self._mfa_guessing,
            "mfa_fatigue": self._mfa_fatigue,
        }

    def _brute_force(self) -> Iterator[Fact]:
        """Let one address try 10 to 50 passwords within some minutes."""
        victim, place = self._victim(), self._place()
        yield from self._tries([victim.account] * self._rng.randint(10, 50), lambda: place, every=(2, 20))

    def _distributed_brute_force(self) -> Iterator[Fact]:
        """Let a botnet try 20 to 60 passwords on one account, each from another address, once a minute at most."""
        victim = self._victim()
        yield from self._tries([victim.account] * self._rng.randint(20, 60), self._place, every=(10, 60))

    def _stuffing(self) -> Iterator[Fact]:
        """Let one network try a list of 60 to 300 names once or twice each."""
        names = [self._name() for _ in range(self._rng.randint(60, 300))]
        names = [name for name in names for _ in range(self._rng.choice((1, 1, 2)))]
        place = self._place()
        yield from self._tries(names, lambda: place, every=(0.5, 5), hits=0.02)

    def _spraying(self) -> Iterator[Fact]:
        """Let one network try 3 to 6 common passwords on each of 10 to 40 accounts, one password after the other."""
        victims = [self._victim().account for _ in range(self._rng.randint(10, 40))]
        rounds = self._rng.randint(3, 6)
        place = self._place()
        yield from self._tries(victims * rounds, lambda: place, every=(1, 3000 / (len(victims) * rounds)))

    def _distributed_spraying(self) -> Iterator[Fact]:
        """Let a botnet try 40 to 200 names from as many networks by one program."""
        names = [self._name() for _ in range(self._rng.randint(40, 200))]
        places = [self._place() for _ in range(30)]
        yield from self._tries(names, lambda: self._rng.choice(places), every=(1, 12))

    def _enumeration(self) -> Iterator[Fact]:
        """Let one network ask for resets of 20 to 100 names, or sign in with them, to learn which ones exist."""
        place = self._place()
        type_ = self._rng.choice((FAILED, RESET_REQUESTED))
        names = [self._unknown() for _ in range(self._rng.randint(20, 100))]
        yield from self._tries(names, lambda: place, every=(1, 15), type_=type_)

    def _impossible_travel(self) -> Iterator[Fact]:
        """Sign in from another continent, up to three hours after a person signed in at home."""
        rng = self._rng
        while True:
            honest = rng.choice(self.at_home)
            place = self._place()
            here, there = honest.person.city, place.city
            if abs(here.longitude - there.longitude) > 30 and place.provider.kind == "household":
                break
        at = honest.sign_in.at + rng.uniform(600, 3 * 3600)
        agent = program(device(rng), at).user_agent
        yield self.fact(SUCCEEDED, at, honest.person.account, place, agent, succeeded=True)

    def _mfa_guessing(self) -> Iterator[Fact]:
        victim, place = self._victim(), self._place()
        codes = [victim.account] * self._rng.randint(15, 60)
        yield from self._tries(codes, lambda: place, every=(1, 15), type_=MFA_FAILED)

    def _mfa_fatigue(self) -> Iterator[Fact]:
        victim, place = self._victim(), self._place()
        for fact in self._tries([victim.account] * self._rng.randint(8, 30), lambda: place, every=(5, 40)):
            yield replace(fact, type=CHALLENGED, succeeded=True)

    def _tries(
        self,
        accounts: list[str],
        place: Callable[[], Place],
        *,
        every: tuple[float, float],
        type_: str = FAILED,
        hits: float = 0.0,
    ) -> Iterator[Fact]:
        rng = self._rng
        at = BEGIN + rng.uniform(2, self.days - 1) * DAY
        agent = program(device(rng), at).user_agent if rng.random() < 0.5 else f"python-requests/{rng.randrange(3)}"
        for account in accounts:
            found = place()
            is_hit = type_ == FAILED and not account.startswith("nobody") and rng.random() < hits
            yield self.fact(SUCCEEDED if is_hit else type_, at, account, found, agent, succeeded=is_hit)
            at += rng.uniform(*every)

    def fact(self, type_: str, at: float, account: str, place: Place, agent: str, *, succeeded: bool) -> Fact:
        """Return the fact of something that an attacker does."""
        if succeeded:
            self.taken_over.add(account)
        made = Fact(
            event_id="",
            at=at,
            type=type_,
            succeeded=succeeded,
            account=account,
            actor=account,
            ip_address=place.ip_address,
            network=place.ip_address.rpartition(".")[0],
            program=agent.translate(str.maketrans("", "", "0123456789._")),
            is_unknown_name=account.startswith("nobody"),
            location=Location(
                country=place.provider.country,
                region=place.provider.country,
                city=place.city.name,
                latitude=place.city.latitude,
                longitude=place.city.longitude,
                asn=place.provider.asn,
            ),
            is_relay=place.provider.kind in ("vpn", "mobile"),
            is_new_client=succeeded,
        )
        return self.numbered(made)

    def numbered(self, fact: Fact) -> Fact:
        """Return a fact with an id of its own."""
        self._made += 1
        return replace(fact, event_id=f"attack-{self._made}")

    def _victim(self) -> Person:
        return self._rng.choice(self._population.people)

    def _name(self) -> str:
        return self._unknown() if self._rng.random() < 0.6 else self._victim().account

    def _unknown(self) -> str:
        return f"nobody-{self._rng.randrange(10**6)}"

    def _place(self) -> Place:
        world, rng = self._population.world, self._rng
        country = rng.choice(COUNTRIES)
        city = world.city(country, rng)
        if rng.random() < 0.5:
            return world.address_of(world.hosters[country][0], city, rng)
        return world.household(city, rng)
