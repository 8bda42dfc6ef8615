"""What `tests/standalone/test_standalone.py` runs in a bare project: `ratelimiting` alone, each of its ways in."""

import sys
from base64 import b64encode

import pytest
from django.contrib.auth import get_user_model
from django.core.signals import setting_changed
from django.test import Client
from django.utils import timezone

from ratelimiting.services import active_policies, named_limits, policies
from ratelimiting.types import Author


@pytest.fixture(autouse=True)
def begin_anew():
    setting_changed.send(sender=None, setting="RATELIMITING", value=None, enter=True)
    active_policies.forget_stored()


def statuses(path, number=4):
    answers = [Client().get(path) for _ in range(number)]
    return [answer.status_code for answer in answers], answers[-1]


def test_the_middleware_limits_every_path():
    found, last = statuses("/plain")
    assert found == [200, 200, 200, 429]
    assert last.json()["code"] == "rate_limited"
    assert last["Content-Type"] == "application/problem+json"
    assert int(last["Retry-After"]) >= 1
    assert last["RateLimit-Policy"] == '"address";q=3;w=60'
    assert Client().get("/nowhere").status_code == 429


@pytest.mark.parametrize("path", ["/decorated", "/throttled"])
def test_the_decorator_and_the_throttle_do_so_alone(settings, path):
    settings.MIDDLEWARE = []
    found, last = statuses(path)
    assert found == [200, 200, 200, 429]
    assert int(last["Retry-After"]) >= 1
    assert Client().get("/plain").status_code == 200


@pytest.mark.parametrize("path", ["/decorated", "/throttled"])
def test_behind_the_middleware_they_do_not_count_twice(path):
    assert statuses(path)[0] == [200, 200, 200, 429]


def test_services_ask_for_limits_by_name():
    assert [named_limits.check(name="codes", key="ada").is_allowed for _ in range(3)] == [True, True, False]


@pytest.mark.django_db
def test_policies_are_changed_while_it_runs():
    author = Author(name="boss")
    document = {"name": "address", "limit": 1, "window": 60, "scope": ["ip"]}
    policies.create(document=document, author=author, reason="flood", now=timezone.now())
    active_policies.refresh()
    assert statuses("/plain", 2)[0] == [200, 429]
    policies.rollback(number=0, author=author, reason="over", now=timezone.now())
    active_policies.refresh()
    assert active_policies.current().policies["address"].limit == 3


@pytest.mark.django_db
def test_policies_are_administered_over_the_api(settings):
    settings.MIDDLEWARE = []
    users = get_user_model().objects
    users.create_superuser("boss", password="of-a-boss")
    users.create_user("somebody", password="of-somebody")
    url = "/limits/rate-limit-policies"
    body = {"name": "export", "limit": 5, "window": 60, "scope": ["ip"], "reason": "exports are expensive"}

    def call(method, path, name, body=None, **headers):
        credentials = b64encode(f"{name}:of-{'a-boss' if name == 'boss' else name}".encode()).decode()
        headers["Authorization"] = f"Basic {credentials}"
        return getattr(Client(), method)(path, body, content_type="application/json", headers=headers)

    assert Client().get(url).status_code == 401
    assert call("get", url, "somebody").status_code == 403
    faulty = call("post", url, "boss", {**body, "limit": 0})
    assert faulty.status_code == 400
    assert faulty.json() == {"limit": ["limit: must be a whole number from 1 to 1000000000."]}
    made = call("post", url, "boss", body)
    assert (made.status_code, made["ETag"], made.json()["match"]["routes"]) == (201, '"1"', ["*"])
    one = f"{url}/{made.json()['id']}"
    assert call("patch", one, "boss", {"limit": 6, "reason": "r"}).status_code == 428
    assert call("patch", one, "boss", {"limit": 6, "reason": "r"}, **{"If-Match": '"1"'}).json()["limit"] == 6
    assert call("patch", one, "boss", {"limit": 7, "reason": "r"}, **{"If-Match": '"1"'}).status_code == 412
    assert call("post", f"{url}/rollback", "boss", {"version": 0, "reason": "r"}).json()["version"] == 3
    assert [policy["name"] for policy in call("get", url, "boss").json()["results"]] == ["address", "codes"]


def test_nothing_else_was_needed():
    ours = {"accounts", "cedrina", "tokens", "security_events"}
    assert not {name for name in sys.modules if name.partition(".")[0] in ours}
