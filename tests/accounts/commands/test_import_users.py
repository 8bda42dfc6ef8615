"""The command, as an operator sees it."""

import io
import json

import pytest
from django.core.management import CommandError, call_command
from django.db import connections

from accounts.models import User
from tests.accounts.importing.foreign import bcrypt_hash, keycloak_pbkdf2
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db
HASH = bcrypt_hash()
HEADER = "username,email,password_hash\n"
GOOD = f"mina,mina@example.com,{HASH}\n"
BAD = f"omar,omar at example.com,{HASH}\n"


@pytest.fixture
def dump(tmp_path):
    def write(text, name="dump.csv"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write


def run(*arguments):
    """Return the exit code and what went to the two outputs."""
    out, err = io.StringIO(), io.StringIO()
    code = 0
    try:
        call_command("import_users", *arguments, stdout=out, stderr=err)
    except SystemExit as end:
        code = end.code
    return code, out.getvalue(), err.getvalue()


def report(*arguments):
    code, out, _err = run(*arguments, "--json")
    return code, json.loads(out)


class TestImportUsers:
    def test_says_what_became_of_the_rows(self, dump):
        assert report(dump(HEADER + GOOD), "--format", "bcrypt") == (
            0,
            {
                "result": "imported",
                "read": 1,
                "imported": 1,
                "already": 0,
                "refused": 0,
                "by_reason": {},
                "wrapped": 0,
                "resumed_after_line": None,
            },
        )
        assert User.objects.get().username == "mina"

    def test_names_bad_rows_and_ends_with_1(self, dump):
        code, out, err = run(dump(HEADER + BAD + GOOD), "--format", "bcrypt")

        assert code == 1
        assert "line 2: email_invalid" in err
        assert "2 rows read: 1 imported, 0 there already, 1 refused" in out
        assert "email_invalid: There is no e-mail address" in out

    def test_shows_nothing_of_a_row(self, dump, tmp_path):
        path = tmp_path / "refused.jsonl"
        bad = "omar,omar@example.com,plain-text-password\n"
        code, out, err = run(dump(HEADER + bad), "--format", "bcrypt", "--report", str(path))

        assert code == 1
        (line,) = path.read_text().splitlines()
        assert json.loads(line) == {
            "line": 2,
            "reason": "hash_unreadable",
            "detail": "The password hash can't be read.",
        }
        for secret in ("omar", "plain-text-password"):
            assert secret not in out + err + line

    def test_does_nothing_the_second_time_until_told_to_look_again(self, dump):
        path = dump(HEADER + GOOD + BAD)
        report(path, "--format", "bcrypt")

        code, second = report(path, "--format", "bcrypt")
        assert (code, second["imported"], second["resumed_after_line"]) == (1, 1, 3)
        code, third = report(path, "--format", "bcrypt", "--again")
        assert (code, third["imported"], third["already"], third["resumed_after_line"]) == (1, 0, 1, None)

    def test_can_be_tried(self, dump, events):
        UserFactory(username="omar")
        path = dump(HEADER + GOOD + f"omar,o@example.com,{HASH}\n")

        code, found = report(path, "--format", "bcrypt", "--dry-run")

        assert (code, found["result"], found["imported"]) == (1, "would_import", 1)
        assert found["by_reason"] == {"username_taken": 1}
        assert User.objects.count() == 1
        assert not events("account.imported").exists()
        assert report(path, "--format", "bcrypt", "--dry-run") == (code, found)

    def test_reads_json_lines(self, dump):
        row = {
            "id": "k1",
            "username": "mina",
            "email": "mina@example.com",
            **keycloak_pbkdf2("pbkdf2-sha512", "sha512", 30_000, 64),
        }

        assert report(dump(json.dumps(row) + "\n", "realm.jsonl"), "--format", "keycloak")[1]["imported"] == 1
        assert User.objects.get().password.startswith("pbkdf2_raw$sha512$30000$")

    def test_takes_sources_for_different_systems(self, dump):
        one = dump("id,username,email,password_hash\n1," + GOOD, "one.csv")
        two = dump(f"id,username,email,password_hash\n1,omar,omar@example.com,{HASH}\n", "two.csv")

        assert report(one, "--format", "bcrypt", "--source", "shop")[1]["imported"] == 1
        assert report(two, "--format", "bcrypt", "--source", "forum")[1]["imported"] == 1

    @pytest.mark.parametrize(
        ("text", "name", "arguments", "sentence"),
        [
            ("username,mail\n", "dump.csv", (), "email, password_hash or hash"),
            ("email,email,hash\n", "dump.csv", (), "twice: email"),
            ("", "dump.csv", (), "empty"),
            ('[{"email": "x"}]\n', "dump.json", (), "jq -c"),
            (HEADER, "dump.txt", (), "--type csv or --type jsonl"),
            (HEADER, "dump.csv", ("--source", "x" * 65), "1 to 64"),
            (HEADER, "dump.csv", ("--report", "/nowhere/at/all"), "No such file"),
        ],
    )
    def test_is_a_misuse_for_what_can_not_be_read(self, dump, text, name, arguments, sentence):
        code, _out, err = run(dump(text, name), "--format", "bcrypt", *arguments)

        assert code == 2
        assert sentence in err

    def test_is_a_misuse_without_a_file(self):
        assert run("/nowhere/dump.csv")[0] == 2
        with pytest.raises(CommandError):
            call_command("import_users", "x.csv", "--format", "myspace")


@pytest.mark.django_db(transaction=True)
class TestTwoImports:
    def test_do_not_run_at_once(self, dump):
        path = dump(HEADER + GOOD)
        other = connections.create_connection("default")
        try:
            with other.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_lock(%s)", [0x5EC0_0101])
                code, found = report(path, "--format", "bcrypt")
                assert (code, found["error"]["code"]) == (1, "import_running")
                assert not User.objects.exists()
                cursor.execute("SELECT pg_advisory_unlock(%s)", [0x5EC0_0101])
        finally:
            other.close()

        assert report(path, "--format", "bcrypt")[1]["imported"] == 1
