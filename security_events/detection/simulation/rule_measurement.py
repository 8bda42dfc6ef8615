"""How many attacks each rule finds (recall), and how many of its findings are attacks (precision)."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from security_events.detection.facts import Fact
from security_events.detection.rules import Rule
from security_events.detection.simulation.campaigns import Campaign
from security_events.detection.simulation.deduplication import REPEATS, deduplicated
from security_events.detection.simulation.honest_trouble import HonestFacts
from security_events.detection.simulation.operators import Operators
from security_events.detection.simulation.people import Population
from security_events.detection.simulation.takeovers import TakeoverAttackers
from security_events.detection.windows import FoundAttack, MemoryWindows

_ONE_INCIDENT = 3600  # seconds: a finding of a rule about the same key within these is the same incident


@dataclass(frozen=True, slots=True)
class RuleFigures:
    """``attacks`` that the rule must find and ``found`` of them; its ``incidents`` and how many were ``right``.

    An incident is right if the event that led to it was an attacker's, whichever attack it was. If the finding names
    several events, such as the two ends of a journey, one of them is enough: a person who signs in after the thief of
    their password makes the same finding as the thief.
    """

    attacks: int
    found: int
    incidents: int
    right: int

    @property
    def recall(self) -> float:
        return self.found / self.attacks if self.attacks else 1.0

    @property
    def precision(self) -> float:
        return self.right / self.incidents if self.incidents else 1.0


def measure(rules: Sequence[Rule], *, seed: int, people: int, days: int, attacks: int) -> Mapping[str, RuleFigures]:
    """Let the rules see the trail of a simulated stream with a number of attacks for each, and count."""
    facts, campaigns = stream(seed=seed, people=people, days=days, attacks=attacks)
    return figures(rules, campaigns, list(MemoryWindows(rules).findings(deduplicated(facts))))


def stream(*, seed: int, people: int, days: int, attacks: int) -> tuple[list[Fact], list[Campaign]]:
    """Return honest facts and those of campaigns in the order of time, and the campaigns."""
    population = Population(seed=seed, people=people)
    # Each part has chances of its own, so that a change of one does not change the others.
    honest, operating, attacking = (
        Random(f"{part} {seed}")  # noqa: S311 - a simulation, no secret
        for part in ("honest", "operators", "attackers")
    )
    attackers = TakeoverAttackers(population, days=days, rng=attacking)
    attackers.operators = Operators(people=people, rng=operating)
    campaigns = attackers.campaigns(each=attacks)
    facts = [*HonestFacts(population, honest).facts(days=days), *attackers.operators.facts(days=days)]
    facts += [fact for campaign in campaigns for fact in campaign.facts]
    return sorted(facts, key=lambda fact: fact.at), campaigns


def figures(
    rules: Sequence[Rule], campaigns: Sequence[Campaign], findings: Sequence[FoundAttack]
) -> Mapping[str, RuleFigures]:
    """Count what was found of the campaigns, and what else."""
    attacking = {fact.event_id: campaign for campaign in campaigns for fact in campaign.facts}
    found: dict[str, set[int]] = defaultdict(set)
    incidents: dict[str, int] = defaultdict(int)
    right: dict[str, int] = defaultdict(int)
    last: dict[tuple[str, str], float] = {}
    for each in findings:
        campaign = attacking.get(_id_of(each.trigger))
        if campaign is not None and campaign.rule == each.rule.id:
            found[each.rule.id].add(id(campaign))
        opened = last.get((each.rule.id, each.key))
        last[each.rule.id, each.key] = each.trigger.at
        if opened is None or each.trigger.at - opened > _ONE_INCIDENT:
            incidents[each.rule.id] += 1
            right[each.rule.id] += any(_id_of(fact) in attacking for fact in (each.trigger, *each.finding.facts))
    return {
        rule.id: RuleFigures(
            attacks=sum(campaign.rule == rule.id for campaign in campaigns),
            found=len(found[rule.id]),
            incidents=incidents[rule.id],
            right=right[rule.id],
        )
        for rule in rules
    }


def _id_of(fact: Fact) -> str:
    """Return the id of an event in its campaign; a summary has that of the first event that it stands for."""
    return fact.event_id.removesuffix(REPEATS)
