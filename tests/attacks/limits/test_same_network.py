"""Failed sign-ins reveal nothing to a client in the owner's own network (OWASP ASVS 5.0, 6.3.8; CWE-204)."""

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import SignInFailures
from tests.factories.accounts import PASSWORD, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.attack("OWASP ASVS 5.0, 6.3.8", "CWE-204")]
HOME, NEIGHBOUR, ELSEWHERE = "203.0.113.7", "203.0.113.99", "198.51.100.7"
AGENT = "Browser/1.0"
NAMES = ("resident", "visitor", "nobody", "disabled")
# What a stranger does: failures from an address, and seconds that pass.
SEQUENCES = {
    "one address": [(HOME, 8), 310, (HOME, 3), 610, (HOME, 2)],
    "the same network": [(NEIGHBOUR, 12), 3600, (NEIGHBOUR, 4)],
    "from elsewhere first": [(ELSEWHERE, 6), (HOME, 6), (NEIGHBOUR, 6), 301, (HOME, 2), (NEIGHBOUR, 2), (ELSEWHERE, 2)],
    "here first": [(HOME, 4), (ELSEWHERE, 2), (HOME, 2), 25 * 3600, (HOME, 7)],
}


def log_in(client, name, *, password, address):
    return client.post(
        "/api/v1/auth/login",
        {"username": name, "password": password},
        content_type="application/json",
        REMOTE_ADDR=address,
        headers={"User-Agent": AGENT},
    )


@pytest.fixture
def people():
    """Give the browser of one who signs in at home; the others have an account without that, a closed one, and none."""
    browsers = {}
    for name in ("resident", "visitor", "disabled"):
        user = UserFactory(username=name, raw_password=PASSWORD)
        if name != "visitor":
            browsers[name] = Client()
            assert log_in(browsers[name], name, password=PASSWORD, address=HOME).status_code == 200
        user.is_active = name != "disabled"
        user.save(update_fields=["is_active"])
    return browsers


def pass_time(seconds):
    ago = timedelta(seconds=seconds)
    SignInFailures.objects.update(
        counted_at=F("counted_at") - ago, blocked_until=F("blocked_until") - ago, locked_at=F("locked_at") - ago
    )


def failure(name, address):
    """Return the response to a wrong password as a client sees it, and the statements that it took."""
    with CaptureQueriesContext(connection) as queries:
        answer = log_in(Client(), name, password="wrong", address=address)
    body = answer.json()
    wait = answer.headers.get("Retry-After")
    seen = {name for name in answer.headers if name != "X-Correlation-ID"}
    return (
        answer.status_code,
        body["code"],
        body["detail"],
        sorted(seen),
        sorted(answer.cookies),
        wait and int(wait),
        len(queries),
    )


def told(name, sequence):
    SignInFailures.objects.all().delete()
    seen = []
    for step in sequence:
        if isinstance(step, int):
            pass_time(step)
        else:
            address, count = step
            seen += [failure(name, address) for _ in range(count)]
    return seen


def same(one, other):
    """Compare what was seen, where waits may differ by the seconds that the test itself takes."""
    return len(one) == len(other) and all(
        (a[:5], a[6]) == (b[:5], b[6]) and (a[5] is None) == (b[5] is None) and abs((a[5] or 0) - (b[5] or 0)) <= 20
        for a, b in zip(one, other, strict=True)
    )


class TestFailures:
    @pytest.mark.parametrize("sequence", SEQUENCES.values(), ids=SEQUENCES)
    def test_are_the_same_for_known_and_unknown_names_in_any_network(self, people, sequence):
        told("warm-up", sequence[:1])
        seen = {name: told(name, sequence) for name in NAMES}

        for name in NAMES:
            assert same(seen[name], seen["nobody"]), name
        assert {status for status, *_ in seen["nobody"]} == {401, 429}

    @pytest.mark.parametrize("has_cookie", [True, False])
    def test_do_not_tell_that_the_owner_signs_in_meanwhile(self, people, has_cookie):
        def watched(name):
            SignInFailures.objects.all().delete()
            seen = [failure(name, HOME) for _ in range(3)]
            if name == "resident":
                browser = people[name] if has_cookie else Client()
                assert log_in(browser, name, password=PASSWORD, address=HOME).status_code == 200
            return seen + [failure(name, HOME) for _ in range(4)]

        assert same(watched("resident"), watched("nobody"))

    @pytest.mark.parametrize("address", [HOME, ELSEWHERE])
    def test_leave_the_owners_browser_alone(self, people, address):
        told("resident", [(HOME, 6), (NEIGHBOUR, 6), (ELSEWHERE, 6)])

        assert log_in(people["resident"], "resident", password=PASSWORD, address=address).status_code == 200
