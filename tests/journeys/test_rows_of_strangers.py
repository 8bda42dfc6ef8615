"""What somebody without an account can make the database store in a minute, whatever they send (CWE-770, CWE-779)."""

import json
import random
import secrets
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address

import httpx
import psycopg
import pytest

from tests import described
from tests.programs import served

pytestmark = pytest.mark.attack("CWE-770", "CWE-779")
# Of one network, an IPv4 /24 or an IPv6 /48: docs/abuse-prevention.md.
MOST_EVENTS = 120
MOST_ROWS = {
    "security_events_minutecount": 300,
    "accounts_signinfailures": 300,
    "accounts_pendingregistration": 5,
    "accounts_socialauthorization": 120,
    "accounts_ceremony": 120,
    "procrastinate_jobs": 60,
    "procrastinate_events": 180,
}
# Which the server writes for itself, whoever calls: keys, migrations.
OF_SERVER = {"security_events_event_default", "tokens_signingkey", "django_migrations"}
REQUESTS, CLIENTS = 1600, 8  # five times the largest of these numbers
PAGES = ("/account/forgot-password", "/account/resend-confirmation", "/admin/login/", "/oauth/token", "/oauth/revoke")
MEMBERS = {
    "username": lambda word: word,
    "email": lambda word: f"{word}@example.net",
    "password": lambda word: f"{word} {word}",
    "refresh_token": lambda word: f"cdr_{word * 4}"[:59],
    "redirect_uri": lambda _word: "https://app.example.com/signed-in",
}


def _of_site(number):
    return str(ip_address((0x20010DB8_0001 << 80) | ((number * 7919 % 65536) << 64) | number))


NETWORKS = {"203.0.113.0/24": lambda number: f"203.0.113.{number % 256}", "2001:db8:1::/48": _of_site}


@pytest.fixture(scope="module")
def database_url():
    with served.database() as url:
        yield url


@pytest.fixture(scope="module")
def server(database_url):
    limits = {"RATELIMIT_PROFILE": "production", "TRUSTED_PROXIES": "127.0.0.1/32", "LOG_LEVEL": "CRITICAL"}
    confirmation = {"EMAIL_CONFIRMATION": "required"}
    with served.serving(database_url=database_url, **limits, **confirmation) as running:
        yield running


@pytest.fixture
def database(database_url):
    with psycopg.connect(database_url.replace("postgres://", "postgresql://"), autocommit=True) as connection:
        yield connection


def rows_by_table(database):
    tables = database.execute(
        "SELECT c.relname FROM pg_class c WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    ).fetchall()
    return {name: database.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for (name,) in tables}


def request(chance):
    """Return method, path, body and headers of the worst that comes to mind."""
    word = secrets.token_hex(8)
    headers = {"User-Agent": f"{word}/{chance.random()}", "X-Correlation-ID": word}
    if chance.random() < 0.15:
        headers["X-HTTP-Method-Override"] = "DELETE"
    if chance.random() < 0.25:
        path = chance.choice([*PAGES, f"/api//v1/%2e%2e/{word}", f"/{word}", "/api/v1/auth/me"])
        form = f"username={word}&password={word}&email={word}%40example.net&csrfmiddlewaretoken={'f' * 32}&token={word}"
        return (
            chance.choice(["GET", "POST", "BREW", "OPTIONS"]),
            path,
            form,
            {
                **headers,
                "Content-Type": "application/x-www-form-urlencoded",
                "Cookie": f"csrftoken={'f' * 32}",
                "Authorization": chance.choice([f"Bearer {word}", "Basic Y2xpZW50OnNlY3JldA=="]),
            },
        )
    call = chance.choice([each for each in described.calls() if each.is_public])
    body = {
        **(call.example or {}),
        **{name: make(word) for name, make in MEMBERS.items() if name in call.members},
    }
    return call.method, call.path, json.dumps(body), {**headers, "Content-Type": "application/json"}


def flood(server, address_of):
    """Send the requests by some clients at once; return how many of each status were answered."""

    def send(number):
        chance, statuses = random.Random(number), {}
        with httpx.Client(base_url=server.url, timeout=90, trust_env=False) as client:
            for at in range(REQUESTS // CLIENTS):
                method, path, body, headers = request(chance)
                headers["X-Forwarded-For"] = address_of(number * REQUESTS + at)
                answer = client.request(method, path, content=body, headers=headers)
                statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
        return statuses

    described.calls()  # made once, by one thread
    with ThreadPoolExecutor(CLIENTS) as pool:
        found = list(pool.map(send, range(CLIENTS)))
    return {status: sum(each.get(status, 0) for each in found) for each in found for status in each}


class TestRows:
    @pytest.mark.parametrize("network", NETWORKS)
    def test_of_one_network_are_few_in_each_minute(self, server, database, network):
        before = rows_by_table(database)
        events_before = database.execute("SELECT count(*) FROM security_events_event").fetchone()[0]

        statuses = flood(server, NETWORKS[network])
        grown = {name: count - before.get(name, 0) for name, count in rows_by_table(database).items()}
        self._sum_up(server)

        assert statuses.get(429, 0) > REQUESTS // 10
        assert not [status for status in statuses if status >= 500], statuses
        minutes = database.execute(
            "SELECT date_trunc('minute', occurred_at), count(*) FROM security_events_event GROUP BY 1 ORDER BY 1"
        ).fetchall()
        assert sum(count for _, count in minutes) - events_before > 20
        assert max(count for _, count in minutes) <= MOST_EVENTS, minutes
        lasted = max(1, len(minutes))
        too_many = {
            name: count
            for name, count in grown.items()
            if count > MOST_ROWS.get(name, 0) * lasted
            and not name.startswith("security_events_event_")
            and name not in OF_SERVER
        }
        assert too_many == {}

    def _sum_up(self, server):
        """Record what was only counted, as the worker does when the minute is over."""
        server.manage(
            *("shell", "--verbosity=0", "-c"),
            "from datetime import timedelta; from django.utils import timezone\n"
            "from security_events.services import deduplication\n"
            "deduplication.record_counts(now=timezone.now() + timedelta(minutes=1))",
        )
