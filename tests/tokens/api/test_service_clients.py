"""The API by which operators register service clients."""

from datetime import timedelta

import pytest
from django.utils import timezone

from security_events.models import SecurityEvent
from tests.factories.accounts import UserFactory, give
from tests.factories.service_clients import MAKE, answer, basic, post, public_jwk, register
from tests.factories.tokens import open_session
from tokens.models import ServiceClient

CLIENTS = "/api/v1/admin/service-clients"
NEW = {"name": "orders", "scopes": ["tokens:introspect"], "reason": "the order service goes live"}

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss(api):
    return sign_in(api, UserFactory(admin=True))


def sign_in(api, user, now=None):
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {open_session(user=user, now=now).access_token}")
    return api


def staff(*names):
    user = UserFactory()
    give(user, *names)
    return user


def can_authenticate(api, client_id, secret):
    headers = {**basic(client_id, secret)}
    api.credentials()
    return post(api, "/oauth/token", {"grant_type": "client_credentials"}, headers=headers).status_code == 200


def changed(api, client, body, version=None):
    tag = f'"{version or client.version}"'
    return api.patch(f"{CLIENTS}/{client.pk}", body, format="json", headers={"If-Match": tag})


class TestRegister:
    def test_shows_the_secret_once(self, api, boss):
        response = boss.post(CLIENTS, NEW, format="json")

        assert response.status_code == 201
        assert (response["ETag"], response["Cache-Control"]) == ('"1"', "no-store")
        made = response.json()
        shown = boss.get(f"{CLIENTS}/{made['id']}")
        listed = boss.get(CLIENTS)
        assert shown["ETag"] == '"1"'
        assert listed.json() == {"results": [shown.json()], "next": None}
        secret = made.pop("client_secret")
        assert made == shown.json()
        assert secret not in shown.content.decode() + listed.content.decode()
        assert can_authenticate(api, made["id"], secret)
        event = SecurityEvent.objects.get(type="service_client.created")
        assert (event.target_id, event.actor_id) == (made["id"], made["created_by"])
        assert event.data["note"] == NEW["reason"]

    def test_takes_keys_instead(self, boss):
        jwks = {"keys": [public_jwk(MAKE["ES256"](), algorithm="ES256", kid="1")]}
        body = boss.post(
            CLIENTS, {**NEW, "authentication_method": "private_key_jwt", "jwks": jwks}, format="json"
        ).json()

        assert body["jwks"] == jwks
        assert body["secrets"] == []
        assert "client_secret" not in body

    @pytest.mark.parametrize(
        ("body", "field", "code"),
        [
            ({}, "name", "required"),
            ({"name": 7}, "name", "invalid"),
            ({"name": " "}, "name", "blank"),
            ({"scopes": ["x"]}, "scopes", "invalid"),
            ({"scopes": "tokens:introspect"}, "scopes", "invalid"),
            ({"scopes": [7]}, "scopes.0", "invalid"),
            ({"authentication_method": "none"}, "authentication_method", "invalid"),
            ({"authentication_method": "private_key_jwt"}, "jwks", "required"),
            ({"jwks": 7}, "jwks", "invalid"),
            ({"reason": "a\nb"}, "reason", "invalid"),
            ({"secret": "mine"}, "secret", "unknown_field"),
        ],
    )
    def test_names_the_member_that_cannot_be(self, boss, body, field, code):
        response = boss.post(CLIENTS, {**NEW, **body} if body else {"reason": "x", "scopes": ["x"]}, format="json")

        assert response.status_code == 422
        assert (field, code) in [(error["field"], error["code"]) for error in response.json()["errors"]]

    def test_takes_each_name_once(self, boss):
        register()
        response = boss.post(CLIENTS, NEW, format="json")

        assert (response.status_code, response.json()["code"]) == (409, "already_exists")


class TestList:
    def test_goes_on_from_a_cursor(self, boss):
        made = [register(name=f"c{number}").client.pk for number in range(3)]
        first = boss.get(CLIENTS, {"limit": 2}).json()
        second = boss.get(CLIENTS, {"limit": 2, "cursor": first["next"]}).json()

        assert [row["id"] for row in first["results"] + second["results"]] == [str(pk) for pk in made]
        assert second["next"] is None

    def test_needs_as_many_queries_for_many(self, boss, django_assert_max_num_queries):
        for number in range(5):
            register(name=f"c{number}")
        with django_assert_max_num_queries(4):
            boss.get(CLIENTS)


class TestChange:
    def test_needs_the_version_that_was_read(self, boss):
        client = register().client
        missing = boss.patch(f"{CLIENTS}/{client.pk}", {"reason": "x"}, format="json")
        done = changed(boss, client, {"description": "checks callers", "reason": "x"})
        stale = changed(boss, client, {"description": "y", "reason": "x"})

        assert (missing.status_code, done.status_code, stale.status_code) == (428, 200, 412)
        assert done["ETag"] == '"2"'
        assert done.json()["description"] == "checks callers"

    def test_disables_at_once(self, api, boss):
        made = register()
        response = changed(boss, made.client, {"is_enabled": False, "reason": "its host was stolen"})

        assert response.json()["is_enabled"] is False
        assert not can_authenticate(api, made.client.pk, made.secret)

    def test_shows_the_secret_of_a_client_that_gets_one(self, api, boss):
        jwks = {"keys": [public_jwk(MAKE["ES256"](), algorithm="ES256", kid="1")]}
        client = register(authentication_method="private_key_jwt", jwks=jwks).client
        body = changed(boss, client, {"authentication_method": "client_secret", "reason": "x"}).json()

        assert body["jwks"] is None
        assert can_authenticate(api, client.pk, body["client_secret"])


class TestDelete:
    def test_needs_a_version_and_a_reason(self, api, boss):
        made = register()
        path, headers = f"{CLIENTS}/{made.client.pk}", {"If-Match": '"1"'}

        assert boss.delete(f"{path}?reason=x").status_code == 428
        assert boss.delete(path, headers=headers).status_code == 422
        assert boss.delete(f"{path}?reason=gone", headers={"If-Match": '"2"'}).status_code == 412
        assert boss.delete(f"{path}?reason=gone", headers=headers).status_code == 204
        assert boss.get(path).status_code == 404
        assert not can_authenticate(api, made.client.pk, made.secret)


class TestRotateSecret:
    def test_shows_the_new_secret_and_when_the_old_one_ends(self, api, boss):
        made = register()
        response = boss.post(
            f"{CLIENTS}/{made.client.pk}/rotate-secret", {"overlap_seconds": 3600, "reason": "yearly"}, format="json"
        )

        body = response.json()
        assert (response.status_code, response["Cache-Control"]) == (200, "no-store")
        assert [row["expires_at"] is None for row in body["secrets"]] == [False, True]
        assert can_authenticate(api, made.client.pk, made.secret)
        assert can_authenticate(api, made.client.pk, body["client_secret"])

    @pytest.mark.parametrize("overlap", [-1, 10**9, "3600", True, None, 1.5])
    def test_bounds_the_overlap(self, boss, overlap):
        path = f"{CLIENTS}/{register().client.pk}/rotate-secret"
        response = boss.post(path, {"overlap_seconds": overlap, "reason": "x"}, format="json")

        assert response.status_code == 422
        assert [error["field"] for error in response.json()["errors"]] == ["overlap_seconds"]


class TestPermissions:
    def test_are_those_of_the_action(self, api):
        body = {**NEW, "name": "other"}
        reader, changer = staff("service_clients:read"), staff("service_clients:read", "service_clients:change")

        assert sign_in(api, UserFactory()).get(CLIENTS).status_code == 403
        assert sign_in(api, reader).get(CLIENTS).status_code == 200
        assert sign_in(api, reader).post(CLIENTS, body, format="json").status_code == 403
        refused = sign_in(api, changer).post(CLIENTS, body, format="json")
        assert (refused.status_code, refused.json()["code"]) == (403, "permission_denied")
        granted = staff("service_clients:change", "tokens:introspect")
        assert sign_in(api, granted).post(CLIENTS, body, format="json").status_code == 201

    def test_keep_an_operator_from_the_secret_of_a_mightier_client(self, api):
        client = register().client
        sign_in(api, staff("service_clients:change"))
        path = f"{CLIENTS}/{client.pk}/rotate-secret"

        assert api.post(path, {"overlap_seconds": 0, "reason": "x"}, format="json").status_code == 403
        assert changed(api, client, {"is_enabled": False, "reason": "x"}).status_code == 200

    def test_ask_for_a_recent_sign_in(self, api):
        sign_in(api, UserFactory(admin=True), now=timezone.now() - timedelta(minutes=10))

        assert api.get(CLIENTS).status_code == 200
        assert api.post(CLIENTS, NEW, format="json").json()["code"] == "reauthentication_required"
        assert not ServiceClient.objects.exists()

    def test_let_no_service_client_in(self, api):
        made = register()
        token = answer(
            post(
                api,
                "/oauth/token",
                {"grant_type": "client_credentials"},
                headers=basic(made.client.pk, made.secret),
            )
        )[1]["access_token"]
        api.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")

        assert api.get(CLIENTS).status_code == 403
        assert api.post(CLIENTS, NEW, format="json").status_code == 403
