"""Attackers who know a person's password, as Wiefling et al. (2022) describe them.

Assumptions: a naive attacker comes from anywhere with any program. One with a VPN has an exit in the person's country
and any program. A targeted one uses a household's connection in that country and a program that is common there. A very
targeted one uses the person's city and a common provider of it, and a program of the same browser and system.
"""

from enum import StrEnum
from random import Random

from security_events.detection.sign_ins import ClientFacts
from security_events.detection.simulation.people import Person, facts
from security_events.detection.simulation.places import World
from security_events.detection.simulation.programs import Device, device


class Attacker(StrEnum):
    """How much an attacker imitates the person."""

    NAIVE = "naive"
    VPN = "VPN"
    TARGETED = "targeted"
    VERY_TARGETED = "very targeted"


def attack(attacker: Attacker, victim: Person, world: World, *, at: float, rng: Random) -> ClientFacts:
    """Return the client that an attacker signs in with."""
    used = device(rng)
    country = victim.city.country
    if attacker is Attacker.NAIVE:
        city = world.city(world.country(rng), rng)
        if rng.random() < 0.5:
            return facts(world.address_of(world.hosters[city.country][0], city, rng), used, at)
        return facts(world.household(city, rng), used, at)
    if attacker is Attacker.VPN:
        exits = rng.choice(world.vpns)
        return facts(world.address_of(exits[country], world.cities[country][0], rng), used, at)
    if attacker is Attacker.TARGETED:
        return facts(world.household(world.city(country, rng), rng), used, at)
    own = rng.choice(victim.devices)
    used = Device(own.browser, own.system, rng.randrange(4), rng.uniform(0, 20 * 86400))
    return facts(world.household(victim.city, rng), used, at)
