"""Roles of service clients in the admin and at the command line."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from accounts.access.services.policy_changes import policy_change
from accounts.access.types import Author
from accounts.rules import subject_facts
from security_events.models import SecurityEvent
from tests.factories.accounts import PASSWORD, UserFactory, give
from tests.factories.service_clients import register
from tests.factories.tokens import sign_in_at_admin

pytestmark = pytest.mark.django_db
CLIENTS = "/admin/tokens/serviceclient/"


@pytest.fixture
def orders():
    with policy_change(author=Author(), reason="first", now=timezone.now()) as writer:
        for name, members in (("reader", {}), ("payer", {}), ("approver", {"separation_of_duty": ["payer"]})):
            writer.put_role(name, members)
    return register(name="orders").client


def browser(**members):
    client = Client()
    sign_in_at_admin(client, UserFactory(raw_password=PASSWORD, **members))
    return client


def roles_of(client):
    client.refresh_from_db()
    return subject_facts.grants_of(client)


class TestTheAdmin:
    def act(self, page, action, client, **fields):
        chosen = {"action": action, "_selected_action": [str(client.pk)]}
        return page.post(CLIENTS, {**chosen, **fields}, follow=True).content.decode()

    def test_gives_a_role_until_a_time_and_takes_it(self, orders):
        page = browser(admin=True)
        asked = self.act(page, "give_role", orders)
        assert 'name="expires_at"' in asked
        ends = (timezone.now() + timedelta(days=30)).replace(microsecond=0, second=0)
        sent = {"confirmed": "yes", "role": "reader", "reason": "they asked", "expires_at": f"{ends:%Y-%m-%d %H:%M}"}
        assert "Orders: done." in self.act(page, "give_role", orders, **sent)
        assert roles_of(orders) == {"reader": ends}
        assert ">reader<" in page.get(CLIENTS).content.decode()
        event = SecurityEvent.objects.get(type="role.granted", data__role="reader")
        assert (event.target_id, event.actor_id, event.data["note"]) == (
            str(orders.pk),
            page.session["_auth_user_id"],
            "they asked",
        )

        self.act(page, "take_role", orders, confirmed="yes", role="reader", reason="no longer")
        assert roles_of(orders) == {}

    def test_says_what_is_refused(self, orders):
        page = browser(admin=True)
        past = {"confirmed": "yes", "role": "reader", "reason": "x", "expires_at": "2001-01-01 00:00"}
        assert "This time is over." in self.act(page, "give_role", orders, **past)
        self.act(page, "give_role", orders, confirmed="yes", role="payer", reason="x")
        given = self.act(page, "give_role", orders, confirmed="yes", role="approver", reason="x")
        assert "Nobody may have these two roles together." in given
        assert set(roles_of(orders)) == {"payer"}

    def test_is_for_people_who_may_give_roles_and_have_them(self, orders):
        user = UserFactory(raw_password=PASSWORD)
        give(user, "service_clients:read", "service_clients:change")
        page = Client()
        sign_in_at_admin(page, user)
        sent = {"confirmed": "yes", "role": "admin", "reason": "mine"}
        self.act(page, "give_role", orders, **sent)
        give(user, "roles:grant", "tokens:introspect")
        assert "may do more than yours" in self.act(page, "give_role", orders, **sent)
        assert roles_of(orders) == {}


class TestTheCommand:
    def run(self, *arguments):
        out = StringIO()
        call_command("client_roles", *arguments, "--json", stdout=out, stderr=out)
        return json.loads(out.getvalue())

    def test_gives_lists_and_takes(self, orders):
        given = self.run("give", "orders", "reader", "--until", "2999-01-31T00:00:00Z", "--reason", "ticket 7")
        assert (given["result"], given["id"]) == ("given", str(orders.pk))
        (role,) = self.run("list", str(orders.pk))["roles"]
        assert role == {"role": "reader", "expires_at": "2999-01-31T00:00:00+00:00", "reason": "ticket 7"}
        assert self.run("take", "orders", "reader", "--dry-run")["result"] == "would_take"
        assert set(roles_of(orders)) == {"reader"}
        assert self.run("take", "orders", "reader", "--reason", "gone")["roles"] == []
        assert roles_of(orders) == {}

    @pytest.mark.parametrize(
        ("arguments", "code", "status"),
        [
            (("give", "nobody", "reader"), "not_found", 1),
            (("give", "orders", "nothing"), "not_found", 1),
            (("take", "orders", "reader"), "not_found", 1),
            (("give", "orders", "reader", "--until", "2001-01-01T00:00:00Z"), "usage", 2),
            (("give", "orders", "reader", "--until", "tomorrow"), "usage", 2),
        ],
    )
    def test_says_what_is_wrong(self, orders, arguments, code, status):
        out = StringIO()
        with pytest.raises(SystemExit) as ended:
            call_command("client_roles", *arguments, "--json", stdout=out)
        assert (json.loads(out.getvalue())["error"]["code"], ended.value.code) == (code, status)
        assert roles_of(orders) == {}
