"""Attacks that succeed, and those on operators, each with the rule that must find it.

Assumptions: who guesses a password signs in within 5 to 170 minutes, from another address. Who buys one signs in from a
household far away, by a program that the person never used. Both happen to accounts that sign in every four days or
more often. Lists of stolen passwords and common passwords hit at their end at the latest. Accounts that are taken over
after long disuse have no second factor. Of thieves of refresh tokens a fifth each is naive, has a VPN, is targeted or
very targeted (``attackers``), or uses the owner's own device or one beside it; ``token_reuse`` says what they do.
Attackers who have an operator's account work at another time of the day, or have one that was never used; half of them
do something harmless some minutes before.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from string import ascii_lowercase

from security_events.detection.facts import Fact
from security_events.detection.simulation.attackers import Attacker, attack
from security_events.detection.simulation.campaigns import SUCCEEDED, Attackers
from security_events.detection.simulation.operators import ACTED, GRANTS, TO_ONESELF, Operators, action
from security_events.detection.simulation.people import BEGIN, DAY, Person
from security_events.detection.simulation.token_reuse import UsedClients, stolen_reuse

EVASIONS = (
    "ratelimit.addresses_rotated",
    "ratelimit.accounts_swept",
    "ratelimit.user_agents_rotated",
    "network.request_manipulated",
    "network.headers_manipulated",
)
_FAR = 20.0  # degrees of longitude
_OFTEN = 4 * DAY  # seconds between two sign-ins


class TakeoverAttackers(Attackers):
    """Makes these campaigns as well as those of ``Attackers``; ``operators`` are those whose accounts are used."""

    operators: Operators

    def makers(self) -> dict[str, Callable[[], Iterator[Fact]]]:
        return {
            **super().makers(),
            "success_after_guessing": self._guessed,
            "success_among_stuffing": lambda: self._hit(self._stuffing),
            "success_among_spraying": lambda: self._hit(self._spraying),
            "success_among_distributed_spraying": lambda: self._hit(self._distributed_spraying),
            "new_client": self._bought_password,
            "dormant_account": self._dormant,
            "token_theft": self._token_theft,
            "evasion": self._evasion,
            "unusual_grant": self._grant,
            "grant_to_oneself": self._grant_to_oneself,
        }

    def _guessed(self) -> Iterator[Fact]:
        """Guess passwords from one address or from many, or codes, and sign in from another address."""
        make = self._rng.choice((self._brute_force, self._distributed_brute_force, self._mfa_guessing))
        tries = list(make())
        later, victim = self._settled_at() - tries[0].at, self._regular().account
        tries = [replace(each, at=each.at + later, account=victim, actor=victim) for each in tries]
        yield from tries
        yield self._success(tries[-1].account, at=tries[-1].at + self._rng.uniform(300, 10_200), like=tries[-1])

    def _hit(self, attack: Callable[[], Iterator[Fact]]) -> Iterator[Fact]:
        """Let the last try of an attack on many accounts succeed, on an account that it tried or on another."""
        tries = [each for each in attack() if not each.succeeded]
        yield from tries
        like, at = self._rng.choice(tries[-5:]), tries[-1].at + self._rng.uniform(1, 600)
        hit = self._success(self._victim().account, at=at, like=like)
        yield replace(hit, network=like.network, ip_address=like.ip_address)

    def _bought_password(self) -> Iterator[Fact]:
        """Sign in to an account that is in use, far from its home, by a program of one's own."""
        rng = self._rng
        regular = [each for each in self.at_home if each.person.every < _OFTEN] or self.at_home
        settled = [each for each in regular if each.sign_in.at > BEGIN + self._settled() * DAY] or regular
        # Once for each account: the place of another attacker would be a usual one.
        honest = rng.choice([each for each in settled if each.person.account not in self.taken_over] or settled)
        place = self._place()
        while place.provider.kind != "household" or abs(place.city.longitude - honest.person.city.longitude) < _FAR:
            place = self._place()
        person = honest.person
        at = honest.sign_in.at + rng.uniform(3 * 3600, 20 * 3600)
        yield replace(
            self.fact(
                SUCCEEDED,
                at,
                person.account,
                place,
                f"{''.join(rng.choices(ascii_lowercase, k=6))}/1.0",
                succeeded=True,
            ),
            is_new_client=True,
        )

    def _dormant(self) -> Iterator[Fact]:
        """Sign in to an account that nobody else uses, with its password alone."""
        at = BEGIN + self._rng.uniform(2, self.days - 1) * DAY
        found = self.fact(
            SUCCEEDED, at, f"dormant-{self._rng.randrange(10**6)}", self._place(), "curl/", succeeded=True
        )
        days = self._rng.randint(180, 2000)
        yield replace(found, is_new_client=True, is_password_alone=True, days_since_last=days)

    def _token_theft(self) -> Iterator[Fact]:
        """Use a copy of a refresh token beside its owner, until one of both presents a superseded token."""
        rng = self._rng
        stolen = rng.choice(self.honest)
        owner, at = stolen.person, stolen.sign_in.at + rng.uniform(0, DAY)
        used = UsedClients()
        for planned in self.honest:
            if planned.person is owner and planned.sign_in.at < at:
                used.add(planned.sign_in)
        own = used.of_kind(stolen.sign_in.client, at=at, rng=rng)
        kind = rng.choice([*Attacker, None])
        thiefs = own if kind is None else attack(kind, owner, self._population.world, at=at, rng=rng)
        theft = stolen_reuse(rng, at=at)
        presenter, holder = (thiefs, own) if theft.is_by_thief else (own, thiefs)
        is_familiar = used.is_familiar(presenter, holder, at=at)
        for made in theft.facts(owner.account, presenter, holder, is_familiar=is_familiar):
            yield self.numbered(made)

    def _evasion(self) -> Iterator[Fact]:
        """Let one network try two to five ways to evade limits within half an hour."""
        place, at = self._place(), BEGIN + self._rng.uniform(2, self.days - 1) * DAY
        for type_ in self._rng.sample(EVASIONS, self._rng.randint(2, 5)):
            yield replace(self.fact(type_, at, "", place, "curl/", succeeded=True), account="", actor="")
            at += self._rng.uniform(10, 420)

    def _grant(self) -> Iterator[Fact]:
        """Grant rights to another account, by an operator's account at the wrong time, or by one never used."""
        rng = self._rng
        day = BEGIN + rng.randrange(2, max(3, self.days - 1)) * DAY
        operator, hour = rng.choice(list(self.operators.hours.items()))
        if rng.random() < 0.5:
            operator = f"unused-{rng.randrange(10**6)}"
        at = day + ((hour + 12 + rng.uniform(-2, 2)) % 24) * 3600
        accomplice = f"accomplice-{rng.randrange(10**6)}"
        if rng.random() < 0.5:
            yield self.numbered(action(operator, ACTED, at=at - rng.uniform(60, 1800), target=accomplice))
        yield self.numbered(action(operator, rng.choice(GRANTS), at=at, target=accomplice))

    def _grant_to_oneself(self) -> Iterator[Fact]:
        """Grant rights to oneself, or change the policy so that one has them."""
        operator = self._rng.choice(list(self.operators.hours))
        at = BEGIN + self._rng.uniform(2, self.days - 1) * DAY
        yield self.numbered(action(operator, self._rng.choice(TO_ONESELF), at=at, target=operator))

    def _settled(self) -> float:
        """Return the day from which the stream shows enough of everybody to know what is usual."""
        return min(25, self.days / 2)

    def _settled_at(self) -> float:
        return BEGIN + self._rng.uniform(self._settled(), self.days - 1) * DAY

    def _regular(self) -> Person:
        """Return somebody who signs in often enough to have habits in any month."""
        people = self._population.people
        return self._rng.choice([person for person in people if person.every < _OFTEN] or people)

    def _success(self, account: str, *, at: float, like: Fact) -> Fact:
        made = self.fact(SUCCEEDED, at, account, self._place(), "", succeeded=True)
        return replace(made, program=like.program, is_new_client=True, is_password_alone=True)
