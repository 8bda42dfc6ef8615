"""The API of webhooks: who may, what may be registered, versions, secrets, tests and replays."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from security_events.models import SecurityEvent, Sink, Webhook, WebhookDelivery
from security_events.services import webhooks
from tests.factories.accounts import UserFactory
from tests.factories.service_clients import answer, basic, post, register
from tests.factories.tokens import open_session
from tests.problem_shape import assert_problem
from tokens.models import Session

pytestmark = pytest.mark.django_db

URL = "/api/v1/admin/webhooks"
TARGET = "https://hooks.example.com/cedrina?key=s3cret"
NOBODY = UUID(int=7)


def signed_in(user=None):
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {open_session(user=user or UserFactory(admin=True)).access_token}")
    return client


@pytest.fixture
def client():
    return signed_in()


def send(client, method, path="", body=None, **headers):
    return getattr(client, method)(URL + path, body, format="json", headers=headers)


def create(client, **members):
    response = send(client, "post", body={"url": TARGET, **members})
    assert response.status_code == 201, response.json()
    return response


def refused_field(response, field, code="invalid"):
    problem = assert_problem(response, status=422, code="validation_error")
    assert [(each["field"], each["code"]) for each in problem["errors"]] == [(field, code)]


class TestWho:
    CALLS = (
        ("get", ""),
        ("post", ""),
        ("get", f"/{NOBODY}"),
        ("patch", f"/{NOBODY}"),
        ("delete", f"/{NOBODY}"),
        ("post", f"/{NOBODY}/rotate-secret"),
        ("post", f"/{NOBODY}/test"),
        ("post", f"/{NOBODY}/replay"),
        ("get", f"/{NOBODY}/deliveries"),
        ("get", f"/{NOBODY}/deliveries/{NOBODY}"),
        ("post", f"/{NOBODY}/deliveries/{NOBODY}/replay"),
    )

    def test_people_without_the_right_are_refused_by_each_call(self):
        client = signed_in(UserFactory())
        for method, path in self.CALLS:
            assert_problem(send(client, method, path), status=403, code="permission_denied")
            assert_problem(send(APIClient(), method, path), status=401, code="authentication_required")

    def test_whoever_changes_something_has_signed_in_lately(self, client):
        Session.objects.update(authenticated_at=timezone.now() - timedelta(minutes=6))
        for method, path in self.CALLS:
            expected = {404, 200} if method == "get" else {403}
            response = send(client, method, path)
            assert response.status_code in expected
            if method != "get":
                assert_problem(response, status=403, code="reauthentication_required")

    def test_a_service_client_can_do_nothing(self):
        made = register(name="x", scopes=["events:read"])
        given = post(
            APIClient(),
            "/oauth/token",
            {"grant_type": "client_credentials"},
            headers=basic(made.client.pk, made.secret),
        )
        bearer = {"Authorization": f"Bearer {answer(given)[1]['access_token']}"}
        assert APIClient().get(URL, headers=bearer).status_code == 403


class TestRegistration:
    def test_answers_with_the_secret_once(self, client):
        made = create(client, types=["session.created"], format="ecs")
        body = made.json()

        assert body["secret"].startswith("whsec_")
        assert body["public_key"].startswith("whpk_")
        assert (body["url"], body["types"], body["format"], body["state"]) == (
            TARGET,
            ["session.created"],
            "ecs",
            "active",
        )
        assert made["Cache-Control"] == "no-store"
        read = send(client, "get", f"/{body['id']}")
        assert read.json() == {name: value for name, value in body.items() if name != "secret"}
        assert read["ETag"] == made["ETag"]
        assert send(client, "get").json() == {"results": [read.json()], "next": None}

    def test_records_who_did_it_without_the_url(self, client):
        webhook_id = create(client).json()["id"]
        event = SecurityEvent.objects.get(type="webhook.created")
        assert (event.target_id, bool(event.actor_id)) == (webhook_id, True)
        assert "s3cret" not in str(event.data) + event.target_name

    def test_begins_at_the_end_of_the_trail(self, client):
        create(client)
        assert Sink.objects.get().transaction_id > 0

    @pytest.mark.attack("OWASP ASVS 5.0, 1.3.6")
    @pytest.mark.parametrize(
        "url",
        [
            "http://hooks.example.com/",
            "https://127.0.0.1/",
            "https://[::1]/",
            "https://169.254.169.254/latest/meta-data",
            "https://0x7f.1/",
            "https://user:password@hooks.example.com/",
            "https://hooks.example.com:22/",
            "ftp://hooks.example.com/",
            "https://hooks.exämple.com/",
            "hooks.example.com",
        ],
    )
    def test_refuses_addresses_that_must_not_be_connected_to(self, client, url, settings):
        settings.CEDRINA_BASE = {}
        refused_field(send(client, "post", body={"url": url}), "url")
        assert not Webhook.objects.exists()

    @pytest.mark.parametrize(
        ("members", "field", "code"),
        [
            ({"url": None}, "url", "invalid"),
            ({"url": 7}, "url", "invalid"),
            ({"url": ""}, "url", "blank"),
            ({"url": "https://x.example/" + "a" * 2048}, "url", "max_length"),
            ({"types": ["no.such_type"]}, "types", "invalid"),
            ({"types": "session.created"}, "types", "invalid"),
            ({"format": "xml"}, "format", "invalid"),
            ({"is_enabled": "yes"}, "is_enabled", "invalid"),
            ({"secret": "whsec_x"}, "secret", "unknown_field"),
        ],
    )
    def test_refuses_members_that_can_not_be(self, client, members, field, code):
        response = send(client, "post", body={"url": TARGET, **members})
        problem = assert_problem(response, status=422, code="validation_error")
        assert [(each["field"].split(".")[0], each["code"]) for each in problem["errors"]] == [(field, code)]
        assert not Webhook.objects.exists()

    def test_of_the_51st_is_refused(self, client):
        for _ in range(webhooks.MOST_WEBHOOKS):
            Webhook.objects.create(
                sink=Sink.objects.create(kind="webhook", name=str(_), event_id=NOBODY, created_at=timezone.now()),
                url=TARGET,
                format="cedrina",
                updated_at=timezone.now(),
            )
        assert_problem(send(client, "post", body={"url": TARGET}), status=409, code="already_exists")


class TestChanges:
    def test_need_the_version_that_was_read(self, client):
        made = create(client)
        path = f"/{made.json()['id']}"
        assert_problem(send(client, "patch", path, {"types": []}), status=428, code="precondition_required")
        assert_problem(send(client, "delete", path), status=428, code="precondition_required")

        changed = send(client, "patch", path, {"is_enabled": False}, **{"If-Match": made["ETag"]})
        assert (changed.status_code, changed.json()["state"], changed["ETag"]) == (200, "disabled", '"2"')
        for method in ("patch", "delete"):
            stale = send(client, method, path, {"types": []}, **{"If-Match": made["ETag"]})
            assert_problem(stale, status=412, code="version_mismatch")
        assert send(client, "delete", path, **{"If-Match": '"2"'}).status_code == 204
        assert_problem(send(client, "get", path), status=404, code="not_found")
        types = list(
            SecurityEvent.objects.filter(type__startswith="webhook.").order_by("pk").values_list("type", flat=True)
        )
        assert types == ["webhook.created", "webhook.changed", "webhook.deleted"]

    def test_that_enable_it_try_it_at_once(self, client):
        path = f"/{create(client).json()['id']}"
        Sink.objects.update(is_enabled=False, state="gone", attempts=9, next_attempt_at=timezone.now(), last_error="x")

        body = send(client, "patch", path, {"is_enabled": True}, **{"If-Match": "*"}).json()

        assert (body["state"], body["failed_attempts"], body["next_attempt_at"], body["last_error"]) == (
            "active",
            0,
            None,
            None,
        )

    def test_of_nothing_change_nothing(self, client):
        made = create(client)
        response = send(client, "patch", f"/{made.json()['id']}", {"url": TARGET}, **{"If-Match": made["ETag"]})
        assert response["ETag"] == made["ETag"]

    def test_to_a_forbidden_address_are_refused(self, client):
        made = create(client)
        body = {"url": "https://10.0.0.1/"}
        refused_field(send(client, "patch", f"/{made.json()['id']}", body, **{"If-Match": "*"}), "url")


class TestSecrets:
    def test_are_rotated_with_an_overlap_of_at_most_30_days_and_a_few_at_a_time(self, client):
        made = create(client).json()
        path = f"/{made['id']}/rotate-secret"
        for seconds in (-1, 30 * 86400 + 1, 10**30):
            refused = send(client, "post", path, {"overlap_seconds": seconds})
            assert_problem(refused, status=422, code="validation_error")
        seen = {made["secret"]}
        for count in range(2, 9):
            rotated = send(client, "post", path, {}).json()
            assert rotated["secret"] not in seen
            seen.add(rotated["secret"])
            assert len(rotated["secrets"]) == min(count, 1 + webhooks.MOST_FORMER_SECRETS)
        assert len(send(client, "post", path, {"overlap_seconds": 0}).json()["secrets"]) == 1


class TestDeliveries:
    def test_of_tests_are_queued_and_shown(self, client):
        path = f"/{create(client).json()['id']}"
        queued = send(client, "post", f"{path}/test")
        assert queued.status_code == 202
        delivery = queued.json()
        assert (delivery["cause"], delivery["status"], delivery["type"]) == ("test", "queued", "webhook.test")
        assert send(client, "get", f"{path}/deliveries/{delivery['id']}").json() == delivery
        assert Sink.objects.get().open_requests == 1

    def test_are_listed_by_status_and_page(self, client):
        path = f"/{create(client).json()['id']}"
        made = [send(client, "post", f"{path}/test").json()["id"] for _ in range(3)]
        WebhookDelivery.objects.filter(pk=made[0]).update(status="failed")

        first = send(client, "get", f"{path}/deliveries?limit=2").json()
        assert [each["id"] for each in first["results"]] == made[:0:-1]
        second = send(client, "get", f"{path}/deliveries?limit=2&cursor={first['next']}").json()
        assert ([each["id"] for each in second["results"]], second["next"]) == (made[:1], None)
        failed = send(client, "get", f"{path}/deliveries?status=failed").json()["results"]
        assert [each["id"] for each in failed] == made[:1]
        refused_field(send(client, "get", f"{path}/deliveries?status=lost"), "status")
        assert_problem(send(client, "get", f"/{NOBODY}/deliveries"), status=404, code="not_found")

    def test_are_replayed_as_long_as_the_queue_has_room(self, client):
        path = f"/{create(client).json()['id']}"
        first = send(client, "post", f"{path}/test").json()
        replay = f"{path}/deliveries/{first['id']}/replay"
        assert send(client, "post", replay).json()["message_id"] == first["message_id"]
        WebhookDelivery.objects.bulk_create(
            WebhookDelivery(
                webhook=Webhook.objects.get(),
                cause="replay",
                message_id=NOBODY,
                type="x",
                status="queued",
                created_at=timezone.now(),
            )
            for _ in range(webhooks.MOST_QUEUED)
        )
        assert_problem(send(client, "post", replay), status=409, code="already_exists")

    def test_of_another_webhook_are_not_found(self, client):
        path = f"/{create(client).json()['id']}"
        other = f"/{create(client).json()['id']}"
        delivery = send(client, "post", f"{path}/test").json()["id"]
        for method, tail in (("get", ""), ("post", "/replay")):
            response = send(client, method, f"{other}/deliveries/{delivery}{tail}")
            assert_problem(response, status=404, code="not_found")

    def test_since_a_time_are_sent_again(self, client):
        path = f"/{create(client).json()['id']}"
        Sink.objects.update(transaction_id=2**62)
        for bad in ({}, {"since": "yesterday"}, {"since": "2026-01-01T00:00:00Z", "until": 1}):
            assert_problem(send(client, "post", f"{path}/replay", bad), status=422, code="validation_error")

        response = send(client, "post", f"{path}/replay", {"since": "2026-01-01T00:00:00Z"})

        assert response.status_code == 202
        assert Sink.objects.get().transaction_id < 2**62
        assert SecurityEvent.objects.filter(type="webhook.replayed").count() == 1
