"""The support bundle: what it has, and that nothing secret or personal is in it, wherever that was planted."""

import base64
import json
import stat
import zipfile

import psycopg
import pytest

from cedrina.monitoring.support_bundle import database_statistics, last_errors
from tests.programs import forked_programs, served

pytestmark = pytest.mark.process
SECRETS = {
    "database": "db-kennwort-7731",
    "mail": "mail-kennwort-2284",
    "provider": "provider-secret-9915",
    "sink": "sink-token-4402",
    "witness": "witness-host-5521",
    "support": "helpdesk-3317",
    "name": "wilhelmina-8866",
    "address": "198.51.100.77",
    "token": "cdm_planted-token-6654",
    "path": "folder-of-greta-1198",
    "literal": "literal-in-a-statement-3321",
}
LOG = [
    {"level": "info", "event": "fine", "logger": "a", "timestamp": "2026-01-05T10:00:00Z"},
    {
        "level": "error",
        "event": "request_failed",
        "logger": "cedrina.serving.request_processing",
        "timestamp": "2026-01-05T10:00:01Z",
        "path": f"/account/confirm-email/{SECRETS['token']}",
        "exception": (
            "Traceback (most recent call last):\n"
            f'  File "/home/{SECRETS["path"]}/cedrina/serving/request_processing.py", line 76, in _respond\n'
            "    return await self._dispatch(environ)\n"
            f"ValueError: {SECRETS['name']}@example.org is not {SECRETS['address']}"
        ),
    },
    {
        "level": "error",
        "event": f"Internal Server Error: /account/confirm-email/{SECRETS['token']}",
        "logger": "django.request",
        "timestamp": "2026-01-05T10:00:02Z",
    },
]


def settings_of(url, log):
    return served.environment(
        DATABASE_URL=url,
        EMAIL_URL=f"smtp://user:{SECRETS['mail']}@127.0.0.1:1",
        SUPPORT_EMAIL=f"{SECRETS['support']}@example.org",
        AUDIT_SINKS=f"https://archive.example.org/{SECRETS['sink']}",
        SOCIAL_PROVIDERS=json.dumps(
            [{"id": "google", "kind": "google", "client_id": "id", "secret": SECRETS["provider"]}]
        ),
        LOG_FILE=str(log),
        LOG_FORMAT="json",
        BCRYPT_ROUNDS="5",
        METRICS_DIR=str(log.parent / "figures"),
    )


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundle")
    log = folder / "cedrina.log"
    log.write_text("".join(json.dumps(entry) + "\n" for entry in LOG) + "no object\n")
    with served.database() as url:
        environment = settings_of(url, log)
        with psycopg.connect(url.replace("postgres://", "postgresql://"), autocommit=True) as connection:
            connection.execute("INSERT INTO cedrina_jobfailure VALUES (7, 'smtplib.SMTPConnectError', now())")
            connection.execute(f"SELECT '{SECRETS['literal']}'")
        path = folder / "support.zip"
        calls = [
            ["create_admin", "--username", SECRETS["name"], "--email", f"{SECRETS['name']}@example.org"],
            ["support_bundle", "--output", str(path), "--json"],
            ["support_bundle", "--output", str(path)],
        ]
        environment["CREATE_ADMIN_PASSWORD"] = "four quiet green lamps"
        results = forked_programs.run_commands(calls, environment=environment)
    assert results[0][0] == 0, results[0]
    return path, results, environment


def files(path):
    with zipfile.ZipFile(path) as opened:
        return {name: opened.read(name).decode() for name in opened.namelist()}


class TestABundle:
    def test_has_versions_configuration_health_errors_and_statistics(self, bundle):
        path, results, _environment = bundle
        code, out, _err = results[1]
        assert code == 0, results[1]
        found = files(path)
        assert set(json.loads(out)["files"]) == set(found)
        assert json.loads(found["versions.json"])["postgresql"].split(".")[0] >= "16"
        assert json.loads(found["versions.json"])["migrations"]["accounts"]["applied"] > 10
        assert json.loads(found["configuration.json"])["BCRYPT_ROUNDS"] == 5
        assert json.loads(found["configuration.json"])["TOKEN_PROFILE"] == "standard"
        assert json.loads(found["configuration.json"])["AUDIT_SINKS"] == {"is_default": False, "entries": 1}
        assert json.loads(found["health.json"])["checks"]["database"]["status"] == "ok"
        assert json.loads(found["doctor.json"])
        assert json.loads(found["job_failures.json"])[0]["error"] == "smtplib.SMTPConnectError"
        assert "accounts_user" in found["database.json"]
        # The commands of this test log lines of their own.
        errors = [error for error in json.loads(found["log_errors.json"]) if error["at"].startswith("2026-01-05")]
        assert [error["event"] for error in errors] == [None, "request_failed"]
        assert errors[1]["errors"] == ["ValueError"]
        assert errors[1]["frames"] == ["cedrina/serving/request_processing.py:76 _respond"]

    @pytest.mark.attack("OWASP ASVS 5.0, 16.2.5")
    def test_has_nothing_secret_and_nothing_about_people(self, bundle):
        path, results, environment = bundle
        everything = path.read_bytes().decode("latin-1") + "".join(files(path).values())
        everything += "".join(out + err for _code, out, err in results[1:])
        planted = {**SECRETS, "key": environment["SECRET_KEY"], "fields": environment["FIELD_ENCRYPTION_KEYS"]}
        planted["password"] = environment["DATABASE_URL"].split("://")[1].split("@")[0]
        for name, secret in planted.items():
            for form in (secret, base64.b64encode(secret.encode()).decode(), secret.encode().hex()):
                assert form not in everything, name

    def test_is_for_its_owner_alone_and_replaces_no_file(self, bundle):
        path, results, _environment = bundle
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert results[2][0] == 1
        assert "exists already" in results[2][2]

    def test_is_written_while_the_database_is_down(self, tmp_path):
        environment = settings_of(f"postgres://cedrina:{SECRETS['database']}@127.0.0.1:1/cedrina", tmp_path / "log")
        path = tmp_path / "support.zip"
        [(code, _out, err)] = forked_programs.run_commands(
            [["support_bundle", "--output", str(path)]], environment=environment
        )
        assert code == 0, err
        found = files(path)
        assert json.loads(found["health.json"])["checks"]["database"]["status"] == "failed"
        assert json.loads(found["configuration.json"])["BCRYPT_ROUNDS"] == 5
        assert SECRETS["database"] not in "".join(found.values()) + err


class TestStatements:
    @pytest.mark.parametrize(
        ("statement", "shown"),
        [
            ("SELECT  1\n FROM t WHERE a = 'x''y' AND b = $1", "SELECT 1 FROM t WHERE a = '…' AND b = $1"),
            ("SELECT $$secret$$, $tag$also $ secret$tag$", "SELECT '…', '…'"),
            ("SELECT 1 /* secret */ -- more secret\n, 2", "SELECT 1 , 2"),
        ],
    )
    def test_lose_their_constants_and_comments(self, statement, shown):
        assert database_statistics.without_constants(statement) == shown


class TestTheLog:
    def test_is_read_from_its_end_and_survives_what_is_no_object(self):
        lines = ["[]", "7", "{", json.dumps({"level": "error", "event": ["a"], "logger": 7})]
        assert [entry["event"] for entry in last_errors._errors("\n".join(lines))] == [None]
