"""Simulated sign-ins with the labels of the RBA data set, and such sign-ins as events that rules see."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from heapq import merge
from random import Random

from security_events.detection.backtest.outcomes import ReplayedEvent
from security_events.detection.facts import Fact
from security_events.detection.sign_ins import ClientFacts, SignIn
from security_events.detection.simulation.attackers import Attacker, attack
from security_events.detection.simulation.campaigns import FAILED, SUCCEEDED, Attackers
from security_events.detection.simulation.client_facts import fact
from security_events.detection.simulation.people import BEGIN, DAY, Population
from security_events.detection.simulation.rba_file import LabelledSignIn


def labelled_sign_ins(*, seed: int, people: int, days: int, attacks: int) -> Iterator[LabelledSignIn]:
    """Return the sign-ins of people and of attackers in the order of time: ``attacks`` of each kind.

    Tries of a campaign have no more than an address and a program, because the rules see no more.
    """
    population = Population(seed=seed, people=people)
    rng = Random(f"labels {seed}")  # noqa: S311 - a simulation, no secret
    campaigns = Attackers(population, days=days, rng=rng).campaigns(each=attacks)
    tried = [
        LabelledSignIn(_tried(each), is_attack=True, is_takeover=each.succeeded)
        for campaign in campaigns
        for each in campaign.facts
        if each.type in (FAILED, SUCCEEDED)
    ]
    taken = list(_takeovers(population, rng, days=days, each=attacks))
    honest = (LabelledSignIn(each.sign_in, False, False) for each in population.sign_ins(days=days))
    return merge(honest, sorted([*tried, *taken], key=_moment), key=_moment)


def events_of(sign_ins: Iterable[LabelledSignIn]) -> Iterator[ReplayedEvent]:
    """Return what rules see of sign-ins; the number of the line is the id of the event."""
    for number, labelled in enumerate(sign_ins, 1):
        sign_in = labelled.sign_in
        seen = fact(sign_in, SUCCEEDED if sign_in.succeeded else FAILED, sign_in.at)
        yield ReplayedEvent(replace(seen, event_id=f"line {number}"), is_attack=labelled.is_attack)


def _takeovers(population: Population, rng: Random, *, days: int, each: int) -> Iterator[LabelledSignIn]:
    for attacker in Attacker:
        for _ in range(each):
            victim = rng.choice(population.people)
            at = BEGIN + rng.uniform(1, days) * DAY
            client = attack(attacker, victim, population.world, at=at, rng=rng)
            yield LabelledSignIn(SignIn(at, victim.account, client, succeeded=True), is_attack=True, is_takeover=True)


def _tried(seen: Fact) -> SignIn:
    client = ClientFacts(ip_address=seen.ip_address, network=seen.network, user_agent=seen.program)
    return SignIn(seen.at, seen.account, client, succeeded=seen.succeeded)


def _moment(labelled: LabelledSignIn) -> float:
    return labelled.sign_in.at
