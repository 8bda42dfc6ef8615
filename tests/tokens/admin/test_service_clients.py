"""Service clients in the admin."""

import json
import re

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.cache import cache
from django.test import Client
from rest_framework.test import APIClient

from security_events.models import SecurityEvent
from tests.factories.accounts import PASSWORD, UserFactory, give
from tests.factories.service_clients import MAKE, basic, post, public_jwk, register, register_with_key
from tests.factories.tokens import sign_in_at_admin
from tokens.models import ServiceClient

pytestmark = pytest.mark.django_db
CLIENTS = "/admin/tokens/serviceclient/"
FORM = {
    "name": "orders",
    "description": "checks callers",
    "scopes": ["tokens:introspect"],
    "authentication_method": "client_secret",
    "jwks": "",
    "reason": "the order service goes live",
}


@pytest.fixture(autouse=True)
def empty_cache():
    cache.clear()


def signed_in(user):
    client = Client()
    sign_in_at_admin(client, user)
    return client


@pytest.fixture
def browser():
    return signed_in(UserFactory(username="boss", raw_password=PASSWORD, admin=True))


def staff(*names):
    user = UserFactory(raw_password=PASSWORD)
    give(user, *names)
    return signed_in(user)


def secret_on(response):
    (secret,) = re.findall(r">(cds_[^<]+)<", response.content.decode())
    return secret


def act(browser, action, *clients, **fields):
    chosen = {"action": action, ACTION_CHECKBOX_NAME: [str(client.pk) for client in clients]}
    return browser.post(CLIENTS, {**chosen, "confirmed": "yes", "reason": "a test", **fields})


def can_authenticate(client, secret):
    headers = basic(client.pk, secret)
    return post(APIClient(), "/oauth/token", {"grant_type": "client_credentials"}, headers=headers).status_code == 200


class TestRegister:
    def test_shows_the_secret_once_and_stores_it_nowhere(self, browser):
        assert browser.get(f"{CLIENTS}add/").status_code == 200
        response = browser.post(f"{CLIENTS}add/", FORM)
        client, secret = ServiceClient.objects.get(), secret_on(response)

        assert can_authenticate(client, secret)
        assert "no-store" in response["Cache-Control"]
        assert client.scopes == ["tokens:introspect"]
        for page in (CLIENTS, f"{CLIENTS}{client.pk}/change/"):
            shown = browser.get(page).content.decode()
            assert "orders" in shown
            assert "cds_" not in shown
        assert secret not in str(dict(browser.session))
        event = SecurityEvent.objects.get(type="service_client.created")
        assert (event.data["note"], event.actor_id) == (FORM["reason"], client.created_by)

    def test_takes_keys(self, browser):
        jwks = {"keys": [public_jwk(MAKE["ES256"](), algorithm="ES256", kid="1")]}
        form = {**FORM, "authentication_method": "private_key_jwt", "jwks": json.dumps(jwks)}

        assert browser.post(f"{CLIENTS}add/", form).status_code == 302
        assert ServiceClient.objects.get().jwks == jwks

    @pytest.mark.parametrize(
        ("change", "sentence"),
        [
            ({"name": ""}, "This field is required"),
            ({"scopes": []}, "This field is required"),
            ({"scopes": ["x"]}, "is not one of the available choices"),
            ({"jwks": "{"}, "Enter a valid JSON"),
            ({"jwks": '{"keys": []}'}, "A client with a secret has no keys."),
            ({"authentication_method": "private_key_jwt"}, "needs its public keys"),
            ({"reason": ""}, "This field is required"),
        ],
    )
    def test_says_what_is_wrong_beside_the_field(self, browser, change, sentence):
        response = browser.post(f"{CLIENTS}add/", {**FORM, **change})

        assert sentence in response.content.decode()
        assert not ServiceClient.objects.exists()


class TestChange:
    def test_is_recorded_with_its_reason(self, browser):
        client = register().client
        path = f"{CLIENTS}{client.pk}/change/"
        browser.post(path, {**FORM, "seen_version": "1", "reason": "renamed", "name": "orders-2"})
        client.refresh_from_db()

        assert (client.name, client.version) == ("orders-2", 2)
        assert SecurityEvent.objects.get(type="service_client.changed").data["note"] == "renamed"
        stale = browser.post(path, {**FORM, "seen_version": "1", "name": "orders-3"})
        assert "was changed meanwhile" in stale.content.decode()

    def test_shows_the_secret_of_a_client_that_gets_one(self, browser):
        client, _private = register_with_key()
        response = browser.post(f"{CLIENTS}{client.pk}/change/", {**FORM, "seen_version": "1"})

        assert can_authenticate(client, secret_on(response))


class TestActions:
    def test_rotate_the_secret(self, browser):
        made = register()
        asked = browser.post(CLIENTS, {"action": "rotate", ACTION_CHECKBOX_NAME: [str(made.client.pk)]})
        assert "which the next page shows once" in asked.content.decode()
        new = secret_on(act(browser, "rotate", made.client, overlap="3600"))

        assert can_authenticate(made.client, new)
        assert can_authenticate(made.client, made.secret)
        leaked = secret_on(act(browser, "rotate", made.client, overlap="0"))
        assert can_authenticate(made.client, leaked)
        assert not can_authenticate(made.client, new)

    def test_rotate_one_that_has_a_secret(self, browser):
        client, _private = register_with_key()
        other = register().client
        assert act(browser, "rotate", client, other, overlap="0").status_code == 302
        act(browser, "rotate", client, overlap="0")
        sentences = [str(message) for message in browser.get(CLIENTS).context["messages"]]
        assert [sentence.partition(".")[0] for sentence in sentences] == [
            "Choose one service client",
            "This client has no secret",
        ]

    def test_disable_enable_and_delete(self, browser):
        made = register()
        act(browser, "disable", made.client)
        assert not can_authenticate(made.client, made.secret)
        act(browser, "enable", made.client)
        assert can_authenticate(made.client, made.secret)
        act(browser, "delete_clients", made.client)
        assert not ServiceClient.objects.exists()
        events = SecurityEvent.objects.filter(type__startswith="service_client.", data__has_key="note").order_by("id")
        assert [event.type.partition(".")[2] for event in events] == ["created", "disabled", "enabled", "deleted"]


class TestPermissions:
    def test_let_readers_read_and_nobody_else(self):
        register()
        reader = staff("service_clients:read")

        assert reader.get(CLIENTS).status_code == 200
        assert reader.get(f"{CLIENTS}add/").status_code == 403
        assert staff("users:read").get(CLIENTS).status_code == 403

    def test_give_no_scope_and_no_secret_that_the_operator_lacks(self):
        changer, made = staff("service_clients:read", "service_clients:change"), register(name="mighty")
        response = changer.post(f"{CLIENTS}add/", FORM)
        assert "You lack a permission" in response.content.decode()
        act(changer, "rotate", made.client, overlap="0")

        assert can_authenticate(made.client, made.secret)
        assert ServiceClient.objects.count() == 1
