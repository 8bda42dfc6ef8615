"""What honest people do that looks like an attack.

Assumptions: before one of 100 sign-ins a person has forgotten the password, fails four to eight times within some
minutes, asks for a reset and then signs in. One of 300 sign-ins begins with a program that still has an old password
and fails 30 times, once a minute. One of ten people has a second factor and mistypes one of 20 codes. A clock of a
phone is wrong once in 2,000 sign-ins: then six codes are refused.
"""

from collections.abc import Iterator
from random import Random

from security_events.detection.facts import Fact
from security_events.detection.sign_ins import SignIn
from security_events.detection.simulation.campaigns import CHALLENGED, FAILED, MFA_FAILED, RESET_REQUESTED, SUCCEEDED
from security_events.detection.simulation.people import PlannedSignIn
from security_events.geoip import Location

_WITHOUT_DIGITS = str.maketrans("", "", "0123456789._")


def facts_of(planned: PlannedSignIn, rng: Random) -> Iterator[Fact]:
    """Return the facts that a planned sign-in causes, in the order of time, up to some minutes before it."""
    sign_in = planned.sign_in
    if not sign_in.succeeded:
        yield fact(sign_in, FAILED, sign_in.at)
        return
    chance = rng.random()
    if chance < 1 / 100:
        for number in range(rng.randint(4, 8), 0, -1):
            yield fact(sign_in, FAILED, sign_in.at - 300 - 15 * number)
        yield fact(sign_in, RESET_REQUESTED, sign_in.at - 280)
    elif chance < 1 / 100 + 1 / 300:
        for number in range(30, 0, -1):
            yield fact(sign_in, FAILED, sign_in.at - 60 * number)
    if hash_of(sign_in.account) % 10 == 0:
        yield fact(sign_in, CHALLENGED, sign_in.at - 20)
        wrong = 6 if rng.random() < 1 / 2000 else int(rng.random() < 1 / 20)
        for number in range(wrong, 0, -1):
            yield fact(sign_in, MFA_FAILED, sign_in.at - 2 * number)
    yield fact(sign_in, SUCCEEDED, sign_in.at)


def fact(sign_in: SignIn, type_: str, at: float) -> Fact:
    """Return one fact about the client of a sign-in."""
    return Fact(
        event_id=f"{sign_in.account}-{at}",
        at=at,
        type=type_,
        succeeded=type_ in (SUCCEEDED, CHALLENGED),
        account=sign_in.account,
        actor=sign_in.account,
        ip_address=sign_in.client.ip_address,
        network=sign_in.client.network,
        program=sign_in.client.user_agent.translate(_WITHOUT_DIGITS),
        location=Location(latitude=sign_in.client.latitude, longitude=sign_in.client.longitude),
        is_relay=sign_in.client.is_relay,
    )


def hash_of(account: str) -> int:
    """Return the number of an account: the same in each process, unlike ``hash``."""
    return int(account.rpartition("-")[2])
