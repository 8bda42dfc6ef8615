"""manage.py account."""

import io
import json

import pytest
from django.core.management import call_command

from accounts.models import User
from accounts.services.administration.operator_actions import OPERATOR_ACTIONS
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.tokens import open_session
from tests.mailbox import queued
from tokens.models import Session

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_queue")]
REASON = ("--reason", "ticket 7")


def report(*arguments):
    out = io.StringIO()
    call_command("account", *arguments, "--json", stdout=out, stderr=io.StringIO())
    return json.loads(out.getvalue())


def refusal(*arguments):
    out = io.StringIO()
    with pytest.raises(SystemExit) as left:
        call_command("account", *arguments, "--json", stdout=out, stderr=io.StringIO())
    return left.value.code, json.loads(out.getvalue())["error"]["code"]


@pytest.fixture
def mina():
    return UserFactory(username="mina", raw_password=PASSWORD)


class TestCreate:
    def test_creates_and_invites_a_person(self, events):
        found = report("create", "nora", "--email", "nora@example.com", "--tier", "pro", "--locale", "fa", *REASON)

        user = User.objects.get()
        assert found == {"result": "created", "username": "nora", "id": str(user.pk)}
        assert (user.tier, user.locale, user.has_usable_password()) == ("pro", "fa", False)
        assert queued() == ["invitation"]
        assert events("account.created_by_operator").get().data == {"note": "ticket 7"}

    def test_can_be_tried(self, events):
        found = report("create", "nora", "--email", "nora@example.com", "--dry-run", *REASON)

        assert found == {"result": "would_be_created", "username": "nora"}
        assert (User.objects.count(), queued()) == (0, [])
        assert not events("account.created_by_operator").exists()

    @pytest.mark.parametrize(
        ("arguments", "code"),
        [
            (["mina", "--email", "other@example.com"], "username_taken"),
            (["mina", "--email", "other@example.com", "--dry-run"], "username_taken"),
            (["nora", "--email", "nora"], "validation_error"),
            (["nora", "--email", "nora@example.com", "--department", "x" * 101], "validation_error"),
        ],
    )
    def test_says_what_is_wrong(self, mina, arguments, code):
        assert refusal("create", *arguments, *REASON) == (1, code)


class TestAct:
    def test_does_an_action_once(self, mina, events):
        open_session(user=mina)

        found = report("lock", "MINA", *REASON)

        mina.refresh_from_db()
        assert found == {"result": "done", "action": "lock", "username": "mina", "id": str(mina.pk)}
        assert not mina.is_active
        assert not Session.objects.filter(ended_at=None).exists()
        assert events("account.deactivated").get().data["note"] == "ticket 7"
        assert report("lock", "mina", *REASON)["result"] == "unchanged"
        assert queued() == ["account_locked"]

    def test_can_be_tried(self, mina, events):
        assert report("lock", "mina", "--dry-run", *REASON)["result"] == "would_change"
        assert report("unlock", "mina", "--dry-run", *REASON)["result"] == "would_change_nothing"

        mina.refresh_from_db()
        assert mina.is_active
        assert queued() == []
        assert not events("account.deactivated").exists()

    def test_takes_values(self, mina):
        report("set-tier", "mina", "--tier", "enterprise", *REASON)
        report("set-department", str(mina.pk), "--department", "Sales", *REASON)
        report("grant-staff-rights", mina.email, "--rights", "users:read", "sessions:end", *REASON)

        mina.refresh_from_db()
        assert (mina.tier, mina.department, mina.is_staff) == ("enterprise", "Sales", True)
        assert mina.has_perm("accounts.view_user")
        assert report("set-department", "mina", *REASON)["result"] == "done"

    def test_leaves_the_last_administrator(self):
        UserFactory(username="boss", admin=True, raw_password=PASSWORD)
        for arguments in (["lock"], ["withdraw-staff-rights"], ["anonymise", "--yes"], ["lock", "--dry-run"]):
            assert refusal(arguments[0], "boss", *arguments[1:], *REASON) == (1, "permission_denied")
        assert User.objects.get().is_active

    def test_erases_only_when_that_is_confirmed(self, mina):
        assert refusal("anonymise", "mina", *REASON) == (2, "usage")
        assert report("anonymise", "mina", "--dry-run", *REASON)["result"] == "would_change"
        assert User.objects.exists()
        assert report("anonymise", "mina", "--yes", *REASON)["result"] == "done"
        assert not User.objects.exists()

    def test_finds_nobody(self):
        assert refusal("lock", "grace", *REASON) == (1, "not_found")

    @pytest.mark.parametrize("reason", ["", "  ", "x" * 201, "two\nlines"])
    def test_demands_a_reason(self, mina, reason):
        assert refusal("lock", "mina", "--reason", reason) == (2, "usage")

    @pytest.mark.parametrize("name", OPERATOR_ACTIONS)
    def test_knows_every_action(self, name):
        assert refusal(name, "grace", *REASON, *_values(name))[1] == "not_found"

    def test_says_what_was_done(self, mina):
        out = io.StringIO()
        call_command("account", "lock", "mina", *REASON, stdout=out)
        assert out.getvalue() == "mina: lock was done.\n"


def _values(name):
    values = {"set-tier": ["--tier", "pro"], "grant-staff-rights": ["--rights", "users:read"]}
    return ["--role", "support"] if name.endswith("-role") else values.get(name, [])
