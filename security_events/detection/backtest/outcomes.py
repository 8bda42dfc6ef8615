"""What a backtest counts: incidents of each rule, people and networks concerned, and verdicts that would change."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from security_events.detection.facts import Fact

MOST_EXAMPLES = 10
MOST_CONCERNED = 1_000_000  # accounts or networks of one response; more are not told apart


class ReplayedEvent(NamedTuple):
    """A fact, the risk that was stored with its event, and whether its source calls it an attack."""

    fact: Fact
    risk_score: int = 0
    is_attack: bool = False


@dataclass(frozen=True, slots=True)
class Example:
    """The event that led to a finding."""

    rule: str
    key: str
    event_id: str
    at: float
    account: str
    network: str

    @classmethod
    def of(cls, rule: str, key: str, fact: Fact) -> "Example":
        return cls(rule, key, fact.event_id, fact.at, "" if fact.is_unknown_name else fact.account, fact.network)


@dataclass(slots=True)
class RuleOutcome:
    """Findings and incidents of a rule with the settings before and after. ``new`` and ``gone`` are incidents.

    ``attacks_before`` and ``attacks_after`` are the incidents with a finding that the stream itself calls an attack.
    """

    rule: str
    findings_before: int = 0
    findings_after: int = 0
    incidents_before: int = 0
    incidents_after: int = 0
    attacks_before: int = 0
    attacks_after: int = 0
    new: int = 0
    gone: int = 0
    new_examples: list[Example] = field(default_factory=list)
    gone_examples: list[Example] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class KnownIncident:
    """A stored incident with a verdict: an attack, or a false alarm. Times are in seconds since 1970."""

    id: str
    rule: str
    key: str
    begin: float
    end: float
    is_attack: bool


@dataclass(frozen=True, slots=True)
class Difference:
    """How many are in each of two sets, and some that are in one alone; at least so many, if ``is_capped``."""

    before: int
    after: int
    newly: int
    no_longer: int
    newly_examples: Sequence[str]
    no_longer_examples: Sequence[str]
    is_capped: bool


class Concerned:
    """The accounts or networks that a response would have been about, with the settings before and after."""

    def __init__(self, *, most: int = MOST_CONCERNED) -> None:
        self._before: set[str] = set()
        self._after: set[str] = set()
        self._most = most
        self._is_capped = False

    def add(self, who: str, *, before: bool, after: bool) -> None:
        for wanted, found in ((before, self._before), (after, self._after)):
            if wanted and who not in found:
                if len(found) >= self._most:
                    self._is_capped = True
                else:
                    found.add(who)

    def difference(self) -> Difference:
        newly, no_longer = self._after - self._before, self._before - self._after
        return Difference(
            before=len(self._before),
            after=len(self._after),
            newly=len(newly),
            no_longer=len(no_longer),
            newly_examples=sorted(newly)[:MOST_EXAMPLES],
            no_longer_examples=sorted(no_longer)[:MOST_EXAMPLES],
            is_capped=self._is_capped,
        )


class Verdicts:
    """Stored incidents with a verdict, and which of them a finding with the tried settings meets."""

    def __init__(self, known: Sequence[KnownIncident]) -> None:
        self._known = known
        self._by_cause: dict[tuple[str, str], list[KnownIncident]] = {}
        for incident in known:
            self._by_cause.setdefault((incident.rule, incident.key), []).append(incident)
        self._found: set[str] = set()

    def found(self, rule: str, key: str, at: float) -> None:
        self._found.update(
            incident.id for incident in self._by_cause.get((rule, key), ()) if incident.begin <= at <= incident.end
        )

    def of(self, rules: set[str], *, is_attack: bool) -> Iterator[tuple[KnownIncident, bool]]:
        """Return the incidents of some rules, and whether each one would have been found."""
        for incident in self._known:
            if incident.rule in rules and incident.is_attack == is_attack:
                yield incident, incident.id in self._found
