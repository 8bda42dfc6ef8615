"""export_user and erase_user."""

import io
import json
from datetime import timedelta

import pytest
from django.core.management import call_command

from accounts.models import User
from tests.factories.accounts import UserFactory
from tests.factories.tokens import open_session
from tokens.models import Session

pytestmark = pytest.mark.django_db


def run(name, *arguments):
    out = io.StringIO()
    call_command(name, *arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def report(name, *arguments):
    return json.loads(run(name, *arguments, "--json"))


def refusal(name, *arguments):
    out = io.StringIO()
    with pytest.raises(SystemExit) as left:
        call_command(name, *arguments, "--json", stdout=out, stderr=io.StringIO())
    return left.value.code, json.loads(out.getvalue())["error"]["code"]


@pytest.fixture
def mina():
    user = UserFactory(username="mina", full_name="مینا کریمی")
    open_session(user=user)
    return user


class TestExportUser:
    @pytest.mark.parametrize("by", ["username", "email", "pk"])
    def test_prints_the_persons_document(self, mina, by, events):
        document = report("export_user", str(getattr(mina, by)))

        assert document["account"]["id"] == str(mina.pk)
        assert len(document["sessions"]["results"]) == 1
        assert events("account.exported").get().target_id == str(mina.pk)

    def test_prints_it_to_be_read(self, mina):
        written = run("export_user", "MINA")

        assert "مینا کریمی" in written
        assert json.loads(written)["account"]["username"] == "mina"

    def test_finds_deleted_people_until_they_are_erased(self, mina, now):
        User.objects.update(deleted_at=now)

        assert report("export_user", "mina")["account"]["deletion_requested_at"] == "2026-03-01T12:00:00Z"

    def test_can_be_tried(self, mina, events):
        found = report("export_user", "mina", "--dry-run")

        assert found["result"] == "would_export"
        assert (found["rows"]["account"], found["rows"]["sessions"]) == (1, 1)
        assert not events("account.exported").exists()

    def test_refuses_an_unknown_name(self, mina):
        assert refusal("export_user", "grace") == (1, "not_found")


class TestEraseUser:
    def test_closes_the_account_to_be_erased_later(self, mina, events):
        found = report("erase_user", "mina", "--yes", "--reason", "letter of 1 March")

        user = User.objects.get()
        assert (found["result"], found["id"]) == ("deleted", str(mina.pk))
        assert found["erased_after"] == (user.deleted_at + timedelta(days=30)).isoformat()
        assert Session.objects.get().end_reason == "deleted_by_operator"
        assert events("account.deletion_requested").get().data["note"] == "letter of 1 March"

    def test_erases_at_once_by_an_option(self, mina, events):
        assert report("erase_user", str(mina.pk), "--yes", "--now") == {"result": "erased", "id": str(mina.pk)}

        assert not User.objects.exists()
        assert events("account.erased").get().target_id == str(mina.pk)
        assert refusal("erase_user", str(mina.pk), "--yes", "--now") == (1, "not_found")

    def test_says_the_same_the_second_time(self, mina):
        assert report("erase_user", "mina", "--yes") == report("erase_user", "mina", "--yes")

    def test_can_be_tried(self, mina):
        assert report("erase_user", "mina", "--dry-run")["result"] == "would_delete"
        assert report("erase_user", "mina", "--dry-run", "--now")["result"] == "would_erase"
        assert User.objects.present().exists()
        assert "would delete" in run("erase_user", "mina", "--dry-run")

    def test_requires_a_confirmation(self, mina):
        assert refusal("erase_user", "mina", "--now") == (2, "usage")
        assert User.objects.present().exists()

    def test_leaves_the_last_administrator(self):
        UserFactory(username="root", admin=True)

        assert refusal("erase_user", "root", "--yes", "--now") == (1, "last_administrator")
        assert User.objects.present().exists()
