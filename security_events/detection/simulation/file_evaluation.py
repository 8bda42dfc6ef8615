"""Compare both scores, and count what rules find, on the sign-ins of a file instead of simulated ones.

The attackers are made of the file's own sign-ins, as its authors did: a naive one signs in from any address that the
file calls an attacker's, one with a VPN from such an address in the person's country. A targeted one has the place and
the program of other people in that country, a very targeted one the place of somebody in the same city, and a program
of the same browser and system. An attacker that nothing in the file so far can be made of is left out.

Scores keep the sign-ins of the first ``people`` accounts of the file, and at most ``_MOST_EACH`` of each. So memory
does not grow with the file.
"""

from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random

from security_events.detection.backtest.outcomes import RuleOutcome
from security_events.detection.backtest.replay import RISK_RULE, Replay
from security_events.detection.backtest.trials import RuleTrial, TrialSettings
from security_events.detection.rules import Rule
from security_events.detection.sign_ins import ClientFacts
from security_events.detection.simulation.attackers import Attacker
from security_events.detection.simulation.evaluation import FREEMAN, HISTORIES, OURS, Comparison, Scores, ScoringMethods
from security_events.detection.simulation.labelled_stream import events_of
from security_events.detection.simulation.rba_file import LabelledSignIn, RbaFile

_MOST_EACH = 200  # sign-ins of an account
_MOST_POOLS = 2_000  # countries and cities
_POOL = 40  # newest clients of one
_WITHOUT_DIGITS = str.maketrans("", "", "0123456789._")


@dataclass(frozen=True, slots=True)
class ExaminedFile:
    """What was measured on a file. Of the rules, ``incidents_after`` and ``attacks_after`` are counted."""

    comparison: Comparison
    rules: Sequence[RuleOutcome]


def examine(
    file: RbaFile, rules: Sequence[Rule], *, people: int, seed: int, progress: Callable[[float], None]
) -> ExaminedFile:
    """Read a file once: score its sign-ins, and let rules with their own settings see them.

    Raises: RbaFileInvalid; OSError, if the file can't be read.
    """
    comparison = FileComparison(people=people, seed=seed)
    settings = {rule.id: TrialSettings(rule.mode, rule.thresholds) for rule in rules}
    trials = [RuleTrial(rule, settings[rule.id], settings[rule.id]) for rule in rules if rule.id != RISK_RULE]
    replay = Replay(trials)
    replay.see(events_of(comparison.passing(file.sign_ins(progress))))
    return ExaminedFile(comparison.found, replay.report().rules)


class FileComparison:
    """A comparison that goes on while a file is read."""

    def __init__(self, *, people: int, seed: int, histories: Sequence[int] = HISTORIES) -> None:
        self.found: Comparison = {(history, name): Scores() for history in histories for name in (OURS, FREEMAN)}
        self._histories, self._people = histories, people
        self._rng = Random(f"file {seed}")  # noqa: S311 - a simulation, no secret
        self._methods, self._pools = ScoringMethods(), _ClientPools()
        self._counts: Counter[str] = Counter()

    def passing(self, sign_ins: Iterable[LabelledSignIn]) -> Iterator[LabelledSignIn]:
        """Return the same sign-ins, after they were scored and counted."""
        for labelled in sign_ins:
            self._see(labelled)
            yield labelled

    def _see(self, labelled: LabelledSignIn) -> None:
        sign_in = labelled.sign_in
        if labelled.is_attack:
            self._pools.add_attack(sign_in.client)
            return
        if not sign_in.succeeded or not self._is_followed(sign_in.account):
            return
        history = self._counts[sign_in.account]
        if history in self._histories:
            for name, score in self._methods.scores(sign_in.account, sign_in.client, sign_in.at):
                self.found[history, name].honest.append(score)
            for attacker in Attacker:
                client = self._pools.attack(attacker, sign_in.account, sign_in.client, self._rng)
                if client is not None:
                    for name, score in self._methods.scores(sign_in.account, client, sign_in.at):
                        self.found[history, name].attacks[attacker].append(score)
        self._counts[sign_in.account] += 1
        self._methods.add(sign_in.account, sign_in.client, sign_in.at)
        self._pools.add(sign_in.account, sign_in.client)

    def _is_followed(self, account: str) -> bool:
        if account not in self._counts:
            return len(self._counts) < self._people
        return self._counts[account] < _MOST_EACH


class _ClientPools:
    """The newest clients of attackers, of countries and of cities."""

    def __init__(self) -> None:
        self._attacks: deque[ClientFacts] = deque(maxlen=2_000)
        self._pools: OrderedDict[tuple[str, ...], deque[tuple[str, ClientFacts]]] = OrderedDict()

    def add_attack(self, client: ClientFacts) -> None:
        self._attacks.append(client)

    def add(self, account: str, client: ClientFacts) -> None:
        for place in ((client.country,), (client.country, client.region, client.city)):
            pool = self._pools.setdefault(place, deque(maxlen=_POOL))
            self._pools.move_to_end(place)
            pool.append((account, client))
        while len(self._pools) > _MOST_POOLS:
            self._pools.popitem(last=False)

    def attack(self, attacker: Attacker, account: str, victim: ClientFacts, rng: Random) -> ClientFacts | None:
        """Return the client of an attacker; ``None`` if there is nothing to make it of."""
        if attacker is Attacker.NAIVE:
            return rng.choice(self._attacks) if self._attacks else None
        if attacker is Attacker.VPN:
            near = [client for client in self._attacks if client.country == victim.country]
            return rng.choice(near) if near else None
        programs = self._others(account, (victim.country,))
        places = programs
        if attacker is Attacker.VERY_TARGETED:
            places = self._others(account, (victim.country, victim.region, victim.city))
            programs = [client for client in programs if _family(client) == _family(victim)]
        if not places or not programs:
            return None
        program = rng.choice(programs)
        return replace(
            rng.choice(places),
            user_agent=program.user_agent,
            browser=program.browser,
            system=program.system,
            device_type=program.device_type,
        )

    def _others(self, account: str, place: tuple[str, ...]) -> list[ClientFacts]:
        return [client for owner, client in self._pools.get(place, ()) if owner != account]


def _family(client: ClientFacts) -> tuple[str, str]:
    return client.browser.translate(_WITHOUT_DIGITS).strip(), client.system.translate(_WITHOUT_DIGITS).strip()
