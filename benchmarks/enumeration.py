"""Find out whether the time of an answer tells who has an account.

Asks a served process, on loopback and with a few requests at a time, for a link, a confirmation, an account or a
sign-in, by addresses of every kind in turns, and compares the kinds with a permutation test of the difference of their
medians. A small p-value says that the kinds can be told apart; with this many comparisons about one in twenty is below
0.05 by chance, so the level is divided by their number (Bonferroni).

    .venv/bin/python -m cedrina.tooling.embedded run -- .venv/bin/python benchmarks/enumeration.py --samples 150
"""

import argparse
import json
import random
import secrets
import statistics
import sys
import time
from itertools import combinations
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


from tests.programs import served

PASSWORD = "violet harbour drum kite"
KINDS = ("known", "unconfirmed", "disabled", "waiting", "unknown")
PERMUTATIONS = 5000
LEVEL = 0.01

MAKE = """
from datetime import timedelta
from accounts.models import PendingRegistration, User
from django.utils import timezone
from django.contrib.auth.hashers import make_password
password = make_password({password!r})
now = timezone.now()
for kind, address in {accounts!r}:
    if kind == "waiting":
        PendingRegistration.objects.create(
            username=address.split("@")[0], email=address, email_folded=address, password=password,
            created_at=now, expires_at=now + timedelta(days=1),
        )
        continue
    User.objects.create(
        username=address.split("@")[0], email=address, email_folded=address, password=password,
        email_confirmed_at=None if kind == "unconfirmed" else now, is_active=kind != "disabled",
    )
"""


def p_value(one: list[float], other: list[float], *, chance: random.Random) -> float:
    """Return how often a random split of all samples differs in its medians as much as the real one does."""
    observed = abs(statistics.median(one) - statistics.median(other))
    everything = one + other
    as_far = 0
    for _ in range(PERMUTATIONS):
        chance.shuffle(everything)
        difference = statistics.median(everything[: len(one)]) - statistics.median(everything[len(one) :])
        as_far += abs(difference) >= observed
    return (as_far + 1) / (PERMUTATIONS + 1)


def calls(address: str, name: str) -> dict[str, tuple[str, dict[str, str], int]]:
    """Return what is asked about an address: the path, the body and the answer that is due.

    ``name`` is what the asker registers the address with, and then tries to sign in by.
    """
    return {
        "forgot": ("/auth/forgot-password", {"email": address}, 202),
        "resend": ("/auth/resend-confirmation", {"email": address}, 202),
        "register": (
            "/auth/register",
            {"username": name, "email": address, "password": PASSWORD},
            202,
        ),
        "register the name again": (
            "/auth/register",
            {"username": name, "email": f"other-{address}", "password": PASSWORD},
            409,
        ),
        "sign in by the name": ("/auth/login", {"username": name, "password": PASSWORD}, 403),
        "sign in by the address": ("/auth/login", {"username": address, "password": f"{PASSWORD}?"}, 401),
        "login": ("/auth/login", {"username": address, "password": "not the password at all"}, 401),
    }


def measure(server: served.Served, *, samples: int, chance: random.Random) -> dict[str, dict[str, list[float]]]:
    """Ask in turns, the kinds in a random order each time; return the seconds of each call and kind."""
    addresses = {kind: [f"{kind}-{secrets.token_hex(6)}@example.com" for _ in range(samples)] for kind in KINDS}
    accounts = [(kind, address) for kind in KINDS if kind != "unknown" for address in addresses[kind]]
    server.manage("shell", "--verbosity=0", "-c", MAKE.format(password=PASSWORD, accounts=accounts))
    taken: dict[str, dict[str, list[float]]] = {}
    with server.client() as client:
        for number in range(-5, samples):  # the first rounds warm up
            names = {kind: f"new-{secrets.token_hex(8)}" for kind in KINDS}
            for call in calls("", ""):
                for kind in chance.sample(KINDS, len(KINDS)):
                    path, body, status = calls(addresses[kind][number % samples], names[kind])[call]
                    # From another network each round: failed sign-ins of one are made to wait after a hundred.
                    headers = {"X-Forwarded-For": f"11.{number % 200}.{number // 200 % 200}.7"}
                    started = time.perf_counter()
                    answer = client.post(path, json=body, headers=headers)
                    seconds = time.perf_counter() - started
                    if answer.status_code != status:
                        raise SystemExit(f"{call} of {kind}: {answer.status_code} {answer.text}")
                    if number >= 0:
                        taken.setdefault(call, {}).setdefault(kind, []).append(seconds)
    return taken


def main() -> int:
    """Measure, print a table, and return 1 where kinds can be told apart."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=100, help="requests for each call and kind")
    parser.add_argument(
        "--rounds", default="4", help="BCRYPT_ROUNDS: a costly hash would hide what the rest differs by"
    )
    parser.add_argument("--out", type=Path, help="write the samples there, as JSON")
    options = parser.parse_args()
    chance = random.Random(7)
    settings = {
        "EMAIL_CONFIRMATION": "required",
        "BCRYPT_ROUNDS": options.rounds,
        "TRUSTED_PROXIES": "127.0.0.1",
        "TRUSTED_PROXY_HEADER": "x-forwarded-for",
    }
    with served.database() as url, served.serving(database_url=url, **settings) as server:
        taken = measure(server, samples=options.samples, chance=chance)
    comparisons = len(taken) * len(list(combinations(KINDS, 2)))
    is_told_apart = False
    print(f"{'call':23} {'kind':12} {'median ms':>9} {'of known':>9}")
    for call, kinds in taken.items():
        base = statistics.median(kinds["known"])
        for kind in KINDS:
            median = statistics.median(kinds[kind])
            print(f"{call:23} {kind:12} {median * 1000:9.2f} {median / base:9.3f}")
    print(f"\n{'call':23} {'compared':28} {'p':>8}")
    for call, kinds in taken.items():
        for one, other in combinations(KINDS, 2):
            p = p_value(kinds[one], kinds[other], chance=chance)
            is_low = p < LEVEL / comparisons
            is_told_apart |= is_low
            print(f"{call:23} {one + ' / ' + other:28} {p:8.4f}{'  told apart' if is_low else ''}")
    if options.out:
        options.out.write_text(json.dumps(taken), encoding="utf-8")
    return 1 if is_told_apart else 0


if __name__ == "__main__":
    sys.exit(main())
