"""A flood of calls that compute password hashes, and honest people who sign in meanwhile.

Bounded: each client has one connection and one call in flight, rests a little after each refusal, and ends in time.
"""

import http.client
import itertools
import json
import random
import secrets
import statistics
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from urllib.parse import urlencode, urlsplit

from tests.programs import served

PASSWORD = "violet harbour drum kite"
REST_SECONDS, REST_FACTOR = 1.0, 10
LONGEST_SECONDS = 600
REFUSED = (0, 429, 503)
SERVER = {"WEB_CONCURRENCY": "2", "BCRYPT_ROUNDS": "12", "TRUSTED_PROXIES": "127.0.0.1/32", "LOG_LEVEL": "CRITICAL"}
# Accounts of the attacker with sessions and mailed tokens, and of honest people.
_MAKE = """
import json
from django.contrib.auth.hashers import make_password
from django.utils import timezone
from cedrina_base.uuids import uuid7
from accounts.models import PasswordHistory, MailedTokenPurpose, User
from accounts.services.mailing import mailed_tokens
from tokens.services import issuing
from tokens.types import ClientContext
now, digest = timezone.now(), make_password({password!r})
def person(name):
    address = name + "@example.com"
    return User.objects.create(
        username=name, email=address, email_folded=address, password=digest, email_confirmed_at=now
    )
for number in range({honest}):
    person(f"honest-{{number}}")
attacker = []
for number in range({attackers}):
    user = person(f"attacker-{{number}}")
    PasswordHistory.objects.bulk_create([PasswordHistory(user=user, password=digest) for _ in range(4)])
    pair = issuing.open_session(user=user, client=ClientContext(), amr=["pwd"], now=now)
    token = mailed_tokens.issue(
        mail_id=uuid7(),
        user=user,
        purpose=MailedTokenPurpose.RESET_PASSWORD,
        address=user.email,
        now=now,
    )
    attacker.append([pair.access_token, token])
print(json.dumps(attacker))
"""


def prepare(server, *, honest, attackers):
    """Make accounts with a command of the server's; return the attacker's access and mailed tokens."""
    code = _MAKE.format(password=PASSWORD, honest=honest, attackers=attackers)
    return json.loads(server.manage("shell", "--verbosity=0", "-c", code).splitlines()[-1])


class Caller:
    """One connection, from an address of its own."""

    def __init__(self, url, address):
        self.address = address
        self.connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=120)

    def send(self, method, path, body, *, kind="application/json", **headers):
        """Return the status and the seconds that the answer took."""
        began = time.perf_counter()
        self.connection.request(method, path, body, {"Content-Type": kind, "X-Forwarded-For": self.address, **headers})
        answer = self.connection.getresponse()
        answer.read()
        return answer.status, time.perf_counter() - began

    def post(self, path, body, *, method="POST", token=""):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return self.send(method, f"/api/v1/auth/{path}", json.dumps(body), **headers)

    def sign_in(self, name, password=PASSWORD):
        return self.post("login", {"username": name, "password": password})


def _calls(caller, access, mailed):
    """Return each call that computes a hash, as an attacker makes it who has an account too."""
    word = secrets.token_hex(8)
    cookie = "f" * 32
    form = {"csrfmiddlewaretoken": cookie, "username": word, "password": word}
    new = {"new_password": PASSWORD, "new_password_again": PASSWORD}
    page = "application/x-www-form-urlencoded"
    return [
        lambda: caller.sign_in(word, "wrong"),
        lambda: caller.sign_in(word, "wrong"),
        lambda: caller.post(
            "register", {"username": word, "email": f"{word}@example.net", "password": secrets.token_hex(16)}
        ),
        lambda: caller.post("reset-password", {"token": mailed, "new_password": PASSWORD}),
        lambda: caller.send("POST", f"/account/reset-password/{mailed}", urlencode(new), kind=page),
        lambda: caller.post("reauthenticate", {"password": PASSWORD}, token=access),
        lambda: caller.post("me/email", {"email": f"{word}@example.net", "password": "wrong"}, token=access),
        lambda: caller.post("me", {"password": "wrong"}, method="DELETE", token=access),
        lambda: caller.post(
            "change-password", {"old_password": PASSWORD, "new_password": PASSWORD}, method="PUT", token=access
        ),
        lambda: caller.send("POST", "/admin/login/", urlencode(form), kind=page, Cookie=f"csrftoken={cookie}"),
    ]


@contextmanager
def flooding(server, *, addresses, clients, credentials):
    """Flood until the block ends, from a process of its own, or its clients would hold up the honest ones.

    Gives a dictionary that has, once the block has ended, the number of the attacker's answers by their status in
    ``answers`` and the median of the seconds that those took which were not refused in ``seconds``.
    """
    given = {"url": server.url, "addresses": addresses, "clients": clients, "credentials": credentials}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.clients.flood", json.dumps(given)],
        cwd=served.ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    told = {}
    try:
        assert process.stdout.readline() == "begun\n"
        yield told
        told |= json.loads(process.communicate("", timeout=150)[0])
    finally:
        process.kill()
        process.communicate()


def main():
    """Flood until standard input ends, ten minutes at most; print what the answers were."""
    given = json.loads(sys.argv[1])
    ended, counts, waits, lock = threading.Event(), {}, [], threading.Lock()

    def flood(number):
        caller, chance = (
            Caller(given["url"], given["addresses"][number % len(given["addresses"])]),
            random.Random(number),
        )
        access, mailed = given["credentials"][number % len(given["credentials"])]
        until = time.monotonic() + LONGEST_SECONDS
        while not ended.is_set() and time.monotonic() < until:
            try:
                status, seconds = chance.choice(_calls(caller, access, mailed))()
            except (OSError, http.client.HTTPException):
                caller.connection.close()
                status, seconds = 0, 0.0
            with lock:
                if status not in REFUSED:
                    waits.append(seconds)
                counts[status] = counts.get(status, 0) + 1
                if sum(counts.values()) == given["clients"]:
                    sys.stdout.write("begun\n")
                    sys.stdout.flush()
            if status in REFUSED:
                # Refusals alone shall not take all of a slow machine: it is the hashes that are to be too many.
                ended.wait(max(REST_SECONDS, REST_FACTOR * seconds))

    with ThreadPoolExecutor(given["clients"]) as pool:
        for number in range(given["clients"]):
            pool.submit(flood, number)
        sys.stdin.read()
        ended.set()
    sys.stdout.write(json.dumps({"answers": counts, "seconds": statistics.median(waits) if waits else 0.0}))


def sign_ins(server, *, numbers, pause, at_a_time=4):
    """Sign honest people in, each from a network of their own; return the statuses and the seconds of each."""
    numbers, results, lock = iter(numbers), [], threading.Lock()

    def go_on():
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            caller = Caller(server.url, f"{20 + number % 150}.{number % 200}.7.9")
            results.append(caller.sign_in(f"honest-{number}"))
            caller.connection.close()
            time.sleep(pause)

    with ThreadPoolExecutor(at_a_time) as people:
        for done in [people.submit(go_on) for _ in range(at_a_time)]:
            done.result()
    return results


def one_network(count):
    """Return so many addresses of one /16, in as many /24."""
    return [f"198.51.{number}.7" for number in itertools.islice(itertools.cycle(range(256)), count)]


def share(results):
    """Return which part of the sign-ins succeeded."""
    return sum(status == 200 for status, _ in results) / len(results)


def p95(results):
    """Return within how many seconds 95 of 100 sign-ins were answered."""
    seconds = sorted(seconds for _, seconds in results)
    return seconds[min(len(seconds) - 1, int(len(seconds) * 0.95))]


if __name__ == "__main__":
    main()
