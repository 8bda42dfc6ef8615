"""Which calls compute a password hash is found out by making every call; all of them are under the policy `hashing`."""

import json
import uuid
from collections import defaultdict
from contextlib import contextmanager

import bcrypt
import pytest
from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, get_resolver, path, reverse
from django.utils import timezone

from accounts.models import MailedTokenPurpose
from accounts.services.mailing import mailed_tokens
from accounts.services.passwords import hashing
from cedrina_base.uuids import uuid7
from ratelimiting.services import active_policies
from tests.described import body_of, document, examples_of
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.tokens import open_session

NEW = "copper lantern seven owls"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
UNNAMED = "admin:app_list"  # a regular expression: its page, without a form, has no address that could be made here
LEVELS = {"hashing", "hashing-network", "hashing-user"}


def routes(patterns, namespace=""):
    """Give each route by the name that limits know it by, with its path converters."""
    for pattern in patterns:
        if isinstance(pattern, URLPattern):
            if pattern.name:
                yield f"{namespace}{pattern.name}", dict(pattern.pattern.converters)
        else:
            inner = f"{pattern.namespace}:" if pattern.namespace else ""
            yield from routes(pattern.url_patterns, f"{namespace}{inner}")


def examples():
    """Return the bodies that the document shows, by path and method."""
    found = defaultdict(list)
    for template, methods in document()["paths"].items():
        for method, operation in methods.items():
            content = body_of(operation).get("content", {}).get("application/json", {})
            found[template, method.upper()] += examples_of(content)
    return found


class Person:
    """Somebody with a session, a mailed token and a cookie of the admin's."""

    def __init__(self, digest, *, purpose):
        self.user = UserFactory(password=digest, admin=True)
        self.token = open_session(user=self.user).access_token
        self.mailed = mailed_tokens.issue(
            mail_id=uuid7(), user=self.user, purpose=purpose, address=self.user.email, now=timezone.now()
        )
        browser = Client()
        browser.force_login(self.user, backend="accounts.backends.PooledBackend")
        self.cookies = browser.cookies.output(header="", sep=";")

    def browser(self, *, signed_in):
        """Return a browser that has sent nothing yet, signed in at the admin or not."""
        browser = Client(raise_request_exception=False, HTTP_AUTHORIZATION=f"Bearer {self.token}", HTTP_IF_MATCH="*")
        if signed_in:
            browser.cookies.load(self.cookies)
        return browser

    def values(self):
        return {
            "username": self.user.username,
            "password": PASSWORD,
            "old_password": PASSWORD,
            "new_password": NEW,
            "new_password_again": NEW,
            "password_again": PASSWORD,
            "password1": NEW,
            "password2": NEW,
            "token": self.mailed,
            "email": f"new-{self.user.username}@example.com",
        }

    def filled(self, body):
        return {name: self.values().get(name, value) for name, value in body.items()}

    def argument(self, name, converter):
        if "UUID" in type(converter).__name__:
            return uuid.uuid4()
        return {"token": self.mailed, "object_id": self.user.pk, "provider": "google"}.get(name, "1")


def requests(bodies):
    """Give every way to call every route: its name, the method, the path converters and the body."""
    for name, converters in routes(get_resolver().url_patterns):
        if name == UNNAMED:
            continue
        for method in METHODS:
            # Without a body signed in at the admin; with a form of all that is asked for anywhere; as documented.
            forms = [None, "form"] if method == "POST" else [None]
            for body in [*bodies[template(name, converters), method], *forms]:
                yield name, method, converters, body


def template(name, converters):
    """Return the path of a route as the document writes it."""
    zero = uuid.UUID(int=0)
    address = reverse(name, kwargs=dict.fromkeys(converters, zero))
    parts = iter(converters)
    return "/".join(f"{{{next(parts)}}}" if part == str(zero) else part for part in address.split("/"))


def send(person, name, method, converters, body):
    where = reverse(name, kwargs={key: person.argument(key, converter) for key, converter in converters.items()})
    if isinstance(body, dict):
        filled = person.filled(body)
        if name == "register":
            filled["username"] = f"new-{filled['username']}"
        browser = person.browser(signed_in=False)
        return browser.generic(method, where, json.dumps(filled), content_type="application/json")
    if body == "form":
        return person.browser(signed_in=False).post(where, person.values())
    return person.browser(signed_in=True).generic(method, where)


@contextmanager
def forgotten():
    """Undo what a call did. Not by `atomic`: services that demand to be the outermost one would refuse to work."""
    before = transaction.savepoint()
    yield
    transaction.savepoint_rollback(before)


@pytest.fixture
def computations(monkeypatch):
    done, original = [], bcrypt.hashpw

    def counting(password, salt):
        done.append(salt)
        return original(password, salt)

    monkeypatch.setattr(bcrypt, "hashpw", counting)
    return done


@pytest.fixture
def found(db, empty_queue, settings, computations):
    """Return a function that makes all calls and says which of them computed a hash."""
    settings.RATELIMIT_ENABLE = False  # more forms than a person sends
    settings.RATELIMITING = {**settings.RATELIMITING, "ENABLED": False}

    digest = make_password(PASSWORD)

    def find():
        hashed = set()
        confirming = Person(digest, purpose=MailedTokenPurpose.CONFIRM_EMAIL)
        resetting = Person(digest, purpose=MailedTokenPurpose.RESET_PASSWORD)
        for name, method, converters, body in requests(examples()):
            person = confirming if name.endswith("confirm-email") else resetting
            computations.clear()
            with forgotten():
                send(person, name, method, converters, body)
            if computations:
                hashed.add((name, method))
        return hashed

    return find


def limited():
    """Return the calls that are under all three levels of the policy."""
    rule_set = active_policies.current()
    return {
        (name, method)
        for name, _ in routes(get_resolver().url_patterns)
        for method in METHODS
        if {rule.policy.name for rule in rule_set.for_request(route=name, method=method, tier=None)} >= LEVELS
    }


@pytest.mark.attack("OWASP ASVS 5.0, 6.3.1", "CWE-770")
@pytest.mark.slow
class TestEveryCall:
    def test_that_computes_a_hash_is_limited_and_no_limit_is_for_nothing(self, found):
        hashed = found()

        assert hashed <= limited()
        assert {name for name, _ in limited()} == {name for name, _ in hashed}

    def test_that_is_new_and_not_limited_is_noticed(self, found, settings):
        def surprise(request):
            return HttpResponse(hashing.compute(password="x"))

        settings.ROOT_URLCONF = type("urls", (), {"urlpatterns": [path("surprise", surprise, name="surprise")]})

        assert found() - limited() == {("surprise", method) for method in METHODS}
