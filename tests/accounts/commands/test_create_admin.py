import io
import json

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from tests.factories.accounts import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db
VARIABLE = "CREATE_ADMIN_PASSWORD"


def run(*arguments, username="admin", email="admin@example.com"):
    out, err = io.StringIO(), io.StringIO()
    code = 0
    try:
        call_command("create_admin", "--username", username, "--email", email, *arguments, stdout=out, stderr=err)
    except SystemExit as end:
        code = end.code
    return code, out.getvalue(), err.getvalue()


class TestCreateAdmin:
    def test_makes_a_password_and_shows_it_once(self):
        code, out, err = run("--json")

        answer = json.loads(out)
        assert (code, err, answer["result"], answer["username"]) == (0, "", "created", "admin")
        assert User.objects.get(is_superuser=True).check_password(answer["password"])

    def test_takes_the_password_from_the_environment_and_does_not_show_it(self, monkeypatch):
        monkeypatch.setenv(VARIABLE, PASSWORD)

        code, out, _err = run()

        assert code == 0
        assert PASSWORD not in out
        assert User.objects.get().check_password(PASSWORD)

    def test_takes_the_password_from_standard_input(self, monkeypatch):
        monkeypatch.setattr("sys.stdin", io.StringIO(PASSWORD + "\n"))

        assert run("--password-stdin")[0] == 0
        assert User.objects.get().check_password(PASSWORD)

    def test_is_a_misuse_without_a_password_on_standard_input(self, monkeypatch):
        monkeypatch.setattr("sys.stdin", io.StringIO(""))

        assert run("--password-stdin")[0] == 2

    def test_is_a_misuse_without_a_name(self):
        with pytest.raises(CommandError):
            call_command("create_admin", "--email", "admin@example.com")

    def test_fails_the_second_time_unless_it_was_to_look_first(self):
        run()

        code, out, err = run("--json")
        assert (code, json.loads(out)["code"]) == (1, "username_taken")
        assert err
        assert run("--json", "--if-missing")[0] == 0
        assert User.objects.count() == 1

    def test_refuses_an_account_that_is_no_administrator(self):
        UserFactory(username="admin")

        assert run("--if-missing")[0] == 1

    def test_says_what_is_wrong_with_the_details(self, monkeypatch):
        monkeypatch.setenv(VARIABLE, "short")

        code, out, err = run("--json")

        assert code == 1
        assert "password" in err
        assert json.loads(out)["code"] == "validation_error"
        assert not User.objects.exists()

    def test_changes_nothing_in_a_dry_run(self):
        code, out, _err = run("--json", "--dry-run")

        assert (code, json.loads(out)["result"]) == (0, "would_be_created")
        assert not User.objects.exists()
        UserFactory(username="admin")
        assert run("--dry-run")[0] == 1
