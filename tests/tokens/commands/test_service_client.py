"""The command that registers service clients."""

import json

import pytest
from django.core.management import CommandError, call_command

from security_events.models import SecurityEvent
from tests.factories.service_clients import MAKE, public_jwk, register
from tests.tokens.commands.test_commands import refusal, report, run
from tokens.models import ServiceClient, ServiceClientSecret

pytestmark = pytest.mark.django_db


def test_goes_through_the_life_of_a_client():
    created = report(
        "service_client", "create", "orders", "--scope", "tokens:introspect", "--reason", "the order service goes live"
    )
    assert created["result"] == "created"
    assert created["client_secret"].startswith("cds_")
    (client_id,) = {client["id"] for client in report("service_client", "list")["clients"]}
    assert report("service_client", "show", "orders")["client"] == report("service_client", "show", client_id)["client"]
    rotated = report("service_client", "rotate", "orders", "--overlap", "0", "--yes", "--reason", "it leaked")
    assert rotated["client_secret"] != created["client_secret"]
    assert ServiceClientSecret.objects.count() == 1
    assert report("service_client", "disable", client_id, "--yes")["client"]["is_enabled"] is False
    assert report("service_client", "enable", "orders")["client"]["is_enabled"] is True
    assert report("service_client", "delete", "orders", "--yes")["result"] == "deleted"
    assert not ServiceClient.objects.exists()
    kinds = (
        SecurityEvent.objects.filter(type__startswith="service_client.").order_by("id").values_list("type", flat=True)
    )
    assert [kind.partition(".")[2] for kind in kinds] == ["created", "secret_rotated", "disabled", "enabled", "deleted"]


@pytest.mark.parametrize("action", ["rotate", "disable", "delete"])
class TestWhatDestroys:
    def test_wants_to_be_told_twice(self, action):
        register()
        assert refusal("service_client", action, "orders") == (2, "usage")

    def test_can_be_tried(self, action):
        made = register()
        assert report("service_client", action, "orders", "--dry-run")["result"] == f"would_{action}"
        assert ServiceClient.objects.get().version == made.client.version


class TestCreate:
    def test_can_be_tried(self):
        assert report("service_client", "create", "x", "--scope", "tokens:introspect", "--dry-run")["result"] == (
            "would_create"
        )
        assert not ServiceClient.objects.exists()

    def test_takes_public_keys_from_a_file(self, tmp_path):
        file = tmp_path / "jwks.json"
        file.write_text(json.dumps({"keys": [public_jwk(MAKE["ES256"](), algorithm="ES256", kid="1")]}))
        created = report("service_client", "create", "x", "--scope", "tokens:introspect", "--jwks", str(file))

        assert created["client"]["authentication_method"] == "private_key_jwt"
        assert "client_secret" not in created

    @pytest.mark.parametrize(("content", "code"), [(b"\xff", "unreadable"), (b"{}", "validation_error")])
    def test_refuses_another_file(self, tmp_path, content, code):
        file = tmp_path / "jwks.json"
        file.write_bytes(content)
        arguments = ("service_client", "create", "x", "--scope", "tokens:introspect", "--jwks")

        assert refusal(*arguments, str(file)) == (1, code)
        assert refusal(*arguments, str(tmp_path / "none")) == (1, "unreadable")

    def test_knows_the_scopes(self):
        with pytest.raises(CommandError, match="invalid choice"):
            call_command("service_client", "create", "x", "--scope", "everything")

    def test_takes_each_name_once(self):
        register()
        assert refusal("service_client", "create", "orders", "--scope", "tokens:introspect") == (1, "already_exists")


@pytest.mark.parametrize("action", ["show", "rotate", "disable", "enable", "delete"])
def test_says_that_there_is_no_such_client(action):
    assert refusal("service_client", action, "nobody") == (1, "not_found")


def test_refuses_an_overlap_that_cannot_be():
    register()
    assert refusal("service_client", "rotate", "orders", "--yes", "--overlap", "9999999")[1] == "validation_error"


def test_shows_the_secret_in_words():
    text = run("service_client", "create", "orders", "--scope", "tokens:introspect")
    assert "shown only now: cds_" in text
    assert "cds_" not in run("service_client", "list")
