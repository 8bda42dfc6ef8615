"""Superseded refresh tokens: when thieves and honest people present them, and who has the current token then.

Assumptions. A program is used one to six times a day between 7 and 23 o'clock, for one to four access tokens of 15
minutes; each costs an exchange. Of honest reuses 7 of 10 are those of a device that was restored: a fifth of these in
one to ten minutes (a profile, a virtual machine), three fifths in 20 minutes to two hours, and a fifth after repairs of
half a day to five days; the first fifth were in use until then. 2 of 10 are those of a new device that was filled from
the backup of the old one: a third is another model, and a quarter of the old ones is used on. 1 of 10 is a program that
keeps its token in two places, both in use. Three of four backups are of a night, the others one to 30 days old.

Half of the thieves use their copy within an hour, the others after one to 14 days. A copy that its owner has superseded
by then is refused, and the owner uses the current token later on. Otherwise half of the thieves exchange it once to
three times and go; the others go on, every 15 minutes to 12 hours each. One of four of these sees an access token
refused first, and does not come again.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random

from security_events.detection.facts import Fact
from security_events.detection.sign_ins import ClientFacts, SignIn
from security_events.detection.simulation.client_facts import fact, program_of
from security_events.detection.simulation.people import DAY

REUSED, CONFIRMED = "token.reuse_detected", "token.reuse_confirmed"
_MINUTE, _HOUR = 60.0, 3600.0
_EXCHANGE = 15 * _MINUTE
_SHORT = 10 * _MINUTE
_REMEMBERED = 60 * DAY  # for how long the sessions of an account are kept at least


@dataclass(frozen=True, slots=True)
class Reuse:
    """A superseded token is presented ``at`` a moment; ``confirmed_at`` its current one is, if it ever is."""

    at: float
    generations_behind: int
    idle_seconds: int
    confirmed_at: float | None = None
    is_same_kind: bool = True
    is_by_thief: bool = False

    def facts(self, account: str, presenter: ClientFacts, holder: ClientFacts, *, is_familiar: bool) -> Iterator[Fact]:
        """Return what is recorded of it, given the clients of both tokens."""
        yield replace(
            fact(SignIn(self.at, account, presenter, succeeded=False), REUSED, self.at),
            generations_behind=self.generations_behind,
            idle_seconds=self.idle_seconds,
            is_familiar_client=is_familiar,
        )
        if self.confirmed_at is not None:
            yield fact(SignIn(self.confirmed_at, account, holder, succeeded=False), CONFIRMED, self.confirmed_at)


class UsedClients:
    """The clients that a person has signed in with."""

    def __init__(self) -> None:
        self._sign_ins: list[SignIn] = []

    def add(self, sign_in: SignIn) -> None:
        self._sign_ins.append(sign_in)

    def of_kind(self, client: ClientFacts, *, at: float, rng: Random) -> ClientFacts:
        """Return where a client of the same kind can have been of late: at one of the places of its sign-ins."""
        kind = program_of(client)
        alike = [each.client for each in self._sign_ins if each.at > at - 30 * DAY and program_of(each.client) == kind]
        return rng.choice(alike) if alike else client

    def is_familiar(self, presenter: ClientFacts, holder: ClientFacts, *, at: float) -> bool:
        """Return what ``tokens.services.reuse_evidence`` says of the client that presents an old token."""
        if program_of(presenter) != program_of(holder):
            return False
        known = [holder, *(each.client for each in self._sign_ins if each.at > at - _REMEMBERED)]
        return any(presenter.network == each.network or presenter.asn == each.asn != 0 for each in known)


def honest_reuse(rng: Random, *, at: float) -> Reuse:
    """Return the reuse of a token by its owner at a moment."""
    case = rng.random()
    is_new_device, is_in_two_places = case < 0.2, 0.2 <= case < 0.3
    while True:
        exchanges = list(_exchanges(rng, since=at - 31 * DAY, until=at + 7 * DAY))
        downtime = 0.0 if is_in_two_places else _downtime(rng)
        began = at - downtime
        if 0 < downtime < _SHORT:
            exchanges = sorted([*exchanges, began - rng.uniform(0, _EXCHANGE)])
        nights = began // DAY * DAY + 3 * _HOUR
        backup = (
            (nights if nights < began else nights - DAY) if rng.random() < 0.75 else began - rng.uniform(1, 30) * DAY
        )
        since_backup = [each for each in exchanges if backup < each < began]
        if since_backup:  # otherwise the backup has the current token
            break
    is_other_used = is_in_two_places or (is_new_device and rng.random() < 1 / 4)
    return Reuse(
        at,
        generations_behind=len(since_backup),
        idle_seconds=int(at - since_backup[-1]),
        confirmed_at=next((each for each in exchanges if each > at), None) if is_other_used else None,
        is_same_kind=not (is_new_device and rng.random() < 1 / 3),
    )


def stolen_reuse(rng: Random, *, at: float) -> Reuse:
    """Return the reuse that shows the theft of a token that was copied at a moment."""
    exchanges = list(_exchanges(rng, since=at - DAY, until=at + 22 * DAY))
    begins = at + (rng.uniform(_MINUTE, _HOUR) if rng.random() < 0.5 else rng.uniform(1, 14) * DAY)
    superseding = [each for each in exchanges if at < each <= begins]
    back = next(each for each in exchanges if each > begins)
    if superseding:
        return Reuse(
            begins,
            generations_behind=len(superseding),
            idle_seconds=int(begins - superseding[-1]),
            confirmed_at=back,
            is_by_thief=True,
        )
    return _thief_first(rng, begins=begins, back=back)


def _thief_first(rng: Random, *, begins: float, back: float) -> Reuse:
    """Let the thief exchange the token from ``begins`` on, until the owner is ``back``."""
    goes = rng.random() < 0.5
    every = _EXCHANGE if goes else _EXCHANGE * 48 ** rng.random()
    most = rng.randint(1, 3) if goes else 10**6
    number = min(most, 1 + int((back - begins) // every))
    last = begins + (number - 1) * every
    comes_again = not goes and rng.random() < 3 / 4
    return Reuse(
        back,
        generations_behind=number,
        idle_seconds=int(back - last),
        confirmed_at=last + every if comes_again else None,
    )


def _exchanges(rng: Random, *, since: float, until: float) -> Iterator[float]:
    """Return when a program exchanges its token, in the order of time."""
    day = since // DAY * DAY
    while day < until:
        begun = sorted(day + rng.uniform(7, 22) * _HOUR for _ in range(rng.randint(1, 6)))
        last = day
        for at in begun:
            first = max(at, last + _EXCHANGE)
            for number in range(rng.randint(1, 4)):
                last = first + number * _EXCHANGE
                if since <= last < until:
                    yield last
        day += DAY


def _downtime(rng: Random) -> float:
    """Return for how long a device is not used before it presents the token of its backup."""
    case = rng.random()
    if case < 0.2:
        return rng.uniform(_MINUTE, _SHORT)
    return rng.uniform(20, 120) * _MINUTE if case < 0.8 else rng.uniform(0.5, 5) * DAY
