"""Django's commands that would act past the services, and ours in their place."""

import io
import json

import pytest
from django.core.management import CommandError, call_command, get_commands

from accounts.models import User
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.tokens import open_admin_session, open_session
from tokens.models import Session

pytestmark = pytest.mark.django_db
OTHER = "copper lantern seven owls"


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def typed(monkeypatch):
    """Let a person at a terminal type these passwords."""
    monkeypatch.setattr("sys.stdin", Terminal())

    def prepare(*passwords):
        waiting = iter(passwords)
        monkeypatch.setattr("getpass.getpass", lambda _prompt: next(waiting))

    return prepare


def run(*arguments):
    out, err, code = io.StringIO(), io.StringIO(), 0
    try:
        call_command(*arguments, stdout=out, stderr=err)
    except SystemExit as end:
        code = end.code
    return code, out.getvalue(), err.getvalue()


@pytest.mark.parametrize("name", ["changepassword", "createsuperuser"])
def test_commands_of_these_names_are_ours(name):
    assert get_commands()[name] == "accounts"


class TestChangePassword:
    @pytest.fixture(autouse=True)
    def mina(self):
        return UserFactory(username="mina", raw_password=PASSWORD)

    @pytest.mark.attack("OWASP ASVS 5.0, 7.4.3")
    def test_ends_sessions_of_both_kinds_and_is_recorded(self, mina, typed, events):
        open_session(user=mina)
        open_admin_session(user=mina)
        typed(OTHER, OTHER)

        code, out, _err = run("changepassword", "mina", "--reason", "she called")

        assert (code, out) == (0, "The password of mina was changed; 2 sessions ended.\n")
        assert User.objects.get().check_password(OTHER)
        assert not Session.objects.filter(ended_at=None).exists()
        assert events("password.changed").get().data["note"] == "she called"

    def test_uses_the_user_of_the_shell_by_default(self, typed, monkeypatch):
        monkeypatch.setattr("getpass.getuser", lambda: "mina")
        typed(OTHER, OTHER)

        assert run("changepassword")[0] == 0
        assert User.objects.get().check_password(OTHER)

    def test_asks_again_when_the_two_differ(self, typed, capsys):
        typed(OTHER, "a slip", OTHER, OTHER)

        assert run("changepassword", "mina")[0] == 0
        assert "differ" in capsys.readouterr().err

    @pytest.mark.parametrize("passwords", [("",), ("a", "b", "c", "d", "e", "f")], ids=["empty", "never the same"])
    def test_gives_up(self, typed, passwords):
        typed(*passwords)

        assert run("changepassword", "mina")[0] == 2
        assert User.objects.get().check_password(PASSWORD)

    def test_reads_it_from_standard_input(self, monkeypatch):
        monkeypatch.setattr("sys.stdin", io.StringIO(OTHER + "\n"))

        code, out, _err = run("changepassword", "mina", "--password-stdin", "--json")

        assert (code, json.loads(out)) == (0, {"result": "changed", "username": "mina", "sessions": 0})

    def test_changes_nothing_in_a_dry_run(self):
        assert run("changepassword", "mina", "--dry-run") == (0, "The password of mina would change.\n", "")

    @pytest.mark.parametrize(
        ("name", "password", "problem"),
        [
            ("nobody", OTHER, "not_found"),
            ("mina", "short", "password_too_short"),
            ("mina", PASSWORD, "password_reused"),
            ("closed", OTHER, "account_disabled"),
        ],
    )
    def test_says_what_is_wrong(self, typed, name, password, problem):
        UserFactory(username="closed", is_active=False)
        typed(password, password)

        code, out, _err = run("changepassword", name, "--json")

        assert (code, json.loads(out)["error"]["code"]) == (1, problem)


class TestCreateSuperuser:
    def test_asks_for_what_is_missing(self, typed, monkeypatch, events):
        typed(OTHER, OTHER)
        answers = {"Username: ": "boss", "E-mail address: ": "boss@example.com"}
        monkeypatch.setattr("builtins.input", answers.__getitem__)

        assert run("createsuperuser")[0] == 0

        user = User.objects.get()
        assert (user.username, user.is_staff, user.is_superuser) == ("boss", True, True)
        assert user.check_password(OTHER)
        assert events("account.admin_created").get().target_id == str(user.pk)

    def test_asks_nothing_when_it_may_not(self, monkeypatch):
        for name, value in (("USERNAME", "boss"), ("EMAIL", "boss@example.com"), ("PASSWORD", OTHER)):
            monkeypatch.setenv(f"DJANGO_SUPERUSER_{name}", value)

        assert run("createsuperuser", "--noinput") == (0, "The administrator boss was made.\n", "")
        assert User.objects.get().is_superuser

    @pytest.mark.parametrize("arguments", [["--noinput"], []], ids=["nothing given", "no terminal"])
    def test_is_a_misuse_without_answers(self, monkeypatch, arguments):
        monkeypatch.setattr("sys.stdin", io.StringIO())

        assert run("createsuperuser", "--username", "boss", *arguments)[0] == 2
        assert not User.objects.exists()

    @pytest.mark.parametrize(
        ("details", "sentence"),
        [({"password": "short"}, "password:"), ({"username": "mina"}, "taken"), ({"email": "nobody"}, "email:")],
    )
    def test_asks_the_same_of_administrators_as_of_everybody(self, monkeypatch, details, sentence):
        UserFactory(username="mina")
        given = {"username": "boss", "email": "boss@example.com", "password": OTHER, **details}
        monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", given["password"])

        code, _out, err = run(
            "createsuperuser", "--noinput", "--username", given["username"], "--email", given["email"]
        )

        assert code == 1
        assert sentence in err

    def test_knows_one_database(self):
        with pytest.raises(CommandError):
            call_command("createsuperuser", "--database", "other")
