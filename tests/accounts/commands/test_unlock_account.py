import json
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from accounts.errors import AttemptsExhausted, CredentialsInvalid
from accounts.services.sign_in import password_sign_in
from tests.factories.accounts import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def locked(phone):
    UserFactory(username="mina", raw_password=PASSWORD)
    for _ in range(5):
        with pytest.raises(CredentialsInvalid):
            password_sign_in.sign_in(name="mina", password="wrong", client=phone, now=timezone.now())


def run(*arguments):
    out = StringIO()
    call_command("unlock_account", *arguments, stdout=out)
    return out.getvalue()


class TestUnlockAccount:
    def test_lets_the_person_try_again_and_records_why(self, locked, phone, events):
        assert json.loads(run("MINA@example.com", "--json", "--reason", "she called")) == {
            "result": "unlocked",
            "counts": 2,
        }

        assert password_sign_in.sign_in(name="mina", password=PASSWORD, client=phone, now=timezone.now()).tokens
        assert events("authentication.unlocked").get().data["note"] == "she called"

    def test_changes_nothing_when_it_runs_dry(self, locked, phone):
        assert run("mina", "--dry-run") == "2 counts would be cleared.\n"
        with pytest.raises(AttemptsExhausted):
            password_sign_in.sign_in(name="mina", password=PASSWORD, client=phone, now=timezone.now())

    def test_can_be_run_twice(self, locked):
        run("mina")
        assert run("mina") == "0 counts were cleared.\n"

    def test_refuses_an_unknown_name(self):
        with pytest.raises(SystemExit) as end:
            run("nobody", "--json")
        assert end.value.code == 1
