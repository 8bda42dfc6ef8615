"""What honest people do that looks like an attack.

Assumptions: before one of 100 sign-ins a person has forgotten the password, fails four to eight times within some
minutes, asks for a reset and then signs in. One of 300 sign-ins begins with a program that still has an old password
and fails 30 times, once a minute. One of ten people has a second factor and mistypes one of 20 codes. A clock of a
phone is wrong once in 2,000 sign-ins: then six codes are refused. Before one of 20,000 sign-ins a program has used an
old refresh token (``token_reuse``), was refused, and so asks the person to sign in. One of 400 people comes back in the
stream after half a year or more; half of them have forgotten the password and reset it by mail. One of 100 offices has
a help desk that asks for up to eight resets at once, and one of 20 a proxy with a fault that is reported each hour.
"""

from collections import defaultdict
from collections.abc import Iterator
from random import Random

from security_events.detection.facts import Fact
from security_events.detection.sign_ins import SignIn
from security_events.detection.simulation.campaigns import CHALLENGED, FAILED, MFA_FAILED, RESET_REQUESTED, SUCCEEDED
from security_events.detection.simulation.client_facts import PASSWORD_RESET, fact, program_of
from security_events.detection.simulation.people import BEGIN, DAY, PlannedSignIn, Population
from security_events.detection.simulation.takeovers import EVASIONS
from security_events.detection.simulation.token_reuse import UsedClients, honest_reuse


class HonestFacts:
    """Makes the facts of honest people; it remembers which clients each of them has signed in from."""

    def __init__(self, population: Population, rng: Random) -> None:
        self._population, self._rng = population, rng
        self._known: set[tuple[str, str, str]] = set()
        self._used: dict[str, UsedClients] = defaultdict(UsedClients)
        self._last: dict[str, float] = {}

    def facts(self, *, days: int) -> Iterator[Fact]:
        """Return the facts of all people and offices, not in the order of time."""
        for planned in self._population.sign_ins(days=days):
            yield from self._of(planned)
        for office in {person.office for person in self._population.people if person.office is not None}:
            yield from self._of_office(office.ip_address, days=days)

    def _of(self, planned: PlannedSignIn) -> Iterator[Fact]:
        """Return the facts that a planned sign-in causes, up to some minutes before it and after it."""
        sign_in, rng = planned.sign_in, self._rng
        if not sign_in.succeeded:
            yield fact(sign_in, FAILED, sign_in.at)
            return
        days_since_last = self._days_since_last(sign_in)
        chance = rng.random()
        if chance < 1 / 100:
            for number in range(rng.randint(4, 8), 0, -1):
                yield fact(sign_in, FAILED, sign_in.at - 300 - 15 * number)
            yield fact(sign_in, RESET_REQUESTED, sign_in.at - 280)
        elif chance < 1 / 100 + 1 / 300:
            for number in range(30, 0, -1):
                yield fact(sign_in, FAILED, sign_in.at - 60 * number)
        if days_since_last >= 180 and rng.random() < 1 / 2:
            yield fact(sign_in, PASSWORD_RESET, sign_in.at - 30)
        has_factor = hash_of(sign_in.account) % 10 == 0
        if has_factor:
            yield fact(sign_in, CHALLENGED, sign_in.at - 20)
            wrong = 6 if rng.random() < 1 / 2000 else int(rng.random() < 1 / 20)
            for number in range(wrong, 0, -1):
                yield fact(sign_in, MFA_FAILED, sign_in.at - 2 * number)
        yield fact(
            sign_in,
            SUCCEEDED,
            sign_in.at,
            is_new_client=self._is_new(sign_in),
            is_password_alone=not has_factor,
            days_since_last=days_since_last,
        )
        if rng.random() < 1 / 20_000:
            yield from self._reuse(sign_in)
        self._used[sign_in.account].add(sign_in)

    def _reuse(self, sign_in: SignIn) -> Iterator[Fact]:
        """Let the client that then signs in use an old token; a client of its kind has the current one."""
        rng = Random(f"{sign_in.account} {sign_in.at}")  # noqa: S311 - a simulation, no secret
        used, at = self._used[sign_in.account], sign_in.at - rng.uniform(20, 300)
        reuse = honest_reuse(rng, at=at)
        holder = used.of_kind(sign_in.client, at=at, rng=rng)
        is_familiar = reuse.is_same_kind and used.is_familiar(sign_in.client, holder, at=at)
        yield from reuse.facts(sign_in.account, sign_in.client, holder, is_familiar=is_familiar)

    def _is_new(self, sign_in: SignIn) -> bool:
        client = (sign_in.account, sign_in.client.network, program_of(sign_in.client))
        is_new = client not in self._known
        self._known.add(client)
        return is_new

    def _days_since_last(self, sign_in: SignIn) -> int:
        last = self._last.get(sign_in.account)
        self._last[sign_in.account] = sign_in.at
        if last is not None:
            return int((sign_in.at - last) // DAY)
        return self._rng.randint(180, 900) if self._rng.random() < 1 / 400 else 3

    def _of_office(self, address: str, *, days: int) -> Iterator[Fact]:
        rng, network = self._rng, address.rpartition(".")[0]
        has_faulty_proxy, has_help_desk = rng.random() < 1 / 20, rng.random() < 1 / 100
        fault = rng.choice(EVASIONS)
        for day in range(days):
            at = BEGIN + day * DAY + rng.uniform(9, 16) * 3600
            if has_faulty_proxy:
                for hour in range(24):
                    yield _of_network(fault, BEGIN + day * DAY + hour * 3600, address, network)
            if has_help_desk:
                for number in range(rng.randint(1, 8)):
                    yield _of_network(
                        RESET_REQUESTED, at + 60 * number, address, network, account=f"{network}-{number}"
                    )


def _of_network(type_: str, at: float, address: str, network: str, account: str = "") -> Fact:
    return Fact(
        event_id=f"{type_}-{network}-{at}",
        at=at,
        type=type_,
        succeeded=True,
        account=account,
        ip_address=address,
        network=network,
    )


def hash_of(account: str) -> int:
    """Return the number of an account: the same in each process, unlike ``hash``."""
    return int(account.rpartition("-")[2])
