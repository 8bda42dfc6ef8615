"""docs/production.md and .env.example: their commands and settings, run as a reader runs them."""

import json
import os
import re
import shlex
import subprocess
import sys
from urllib.parse import urlsplit, urlunsplit

import pytest

from cedrina.settings import environment, validation
from tests.deployment import composed, roles
from tests.deployment.roles import OWNER, SERVING, connect
from tests.programs import served
from tests.programs.served import ROOT

EXAMPLE = (ROOT / ".env.example").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(sh|sql)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
MADE_BY = re.compile(r"^# Make it: (.+)\n([A-Z_]+)=$", re.MULTILINE)


def block(containing, language="sh"):
    """Return the only block of the page with this text."""
    (found,) = [text for kind, text in BLOCK.findall(composed.GUIDE) if kind == language and containing in text]
    return found


def run(script, *, cwd, **variables):
    done = subprocess.run(
        ["sh", "-eu", "-c", script],
        cwd=cwd,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def filled():
    """Return the settings of the example, with the secrets that its lines make."""
    made = {
        name: subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True).stdout.strip()
        for command, name in MADE_BY.findall(EXAMPLE)
    }
    given = dict(re.findall(r"^([A-Z_]+)=(.*)$", EXAMPLE, re.MULTILINE))
    assert {name for name, value in given.items() if not value} == set(made)
    return {**given, **made}


class TestTheExample:
    def test_starts_a_production_server_once_its_secrets_are_made(self):
        values = environment.load(filled())
        assert not values.is_development

    def test_refuses_to_start_without_them(self):
        with pytest.raises(environment.ConfigurationError) as refused:
            environment.load({**filled(), "SECRET_KEY": "", "FIELD_ENCRYPTION_KEYS": ""})
        assert {sentence.split()[0] for sentence in refused.value.sentences} == {"SECRET_KEY", "FIELD_ENCRYPTION_KEYS"}

    def test_has_every_setting_that_production_requires_and_none_that_does_not_exist(self):
        values = environment.load(filled())
        missing = {sentence.split()[0] for sentence in validation.unsafe_values(values, given=())}
        assert missing
        assert missing <= set(filled())
        named = set(re.findall(r"^#?([A-Z_]+)=", EXAMPLE, re.MULTILINE))
        assert named <= environment.KNOWN_NAMES
        assert {name for name in named if name.endswith("_FILE")} <= {f"{name}_FILE" for name in environment.SECRETS}
        assert "DATABASE_MIGRATION_URL" not in filled()  # servers must not have it

    def test_is_read_as_a_dotenv_file(self):
        code = (
            "import os; from pathlib import Path; from cedrina.settings import dotenv\n"
            "dotenv.read_dotenv(Path('.env.example')); print(os.environ['DEFAULT_FROM_EMAIL'])"
        )
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == "Example <no-reply@example.org>"


class TestSecrets:
    def test_are_read_from_the_files_that_the_page_makes(self, tmp_path):
        script = block("/etc/cedrina/secrets/secret_key").replace("/etc/cedrina", str(tmp_path))
        run(script, cwd=tmp_path)

        given = {name: value for name, value in filled().items() if name not in ("SECRET_KEY", "FIELD_ENCRYPTION_KEYS")}
        files = {f"{path.name.upper()}_FILE": str(path) for path in (tmp_path / "secrets").iterdir()}
        values = environment.load({**given, **files})

        assert len(values.SECRET_KEY) == 96
        assert [name for name, _key in values.FIELD_ENCRYPTION_KEYS] == ["first"]
        assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "secrets").iterdir())


@pytest.fixture(scope="module")
def urls(tmp_path_factory):
    with roles.two_roles(tmp_path_factory.mktemp("roles")) as given:
        yield given


def manage(*arguments, serving, owner=""):
    given = {"DATABASE_URL": serving, **({"DATABASE_MIGRATION_URL": owner} if owner else {})}
    return served.manage(*arguments, environment=served.environment(**given, CEDRINA_ENV="development"))


def at(url, database, *, account=None):
    """Return the URL of another database of the same server."""
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(path=f"/{database}", netloc=f"{account}@{place}" if account else parts.netloc))


class TestTheDatabase:
    def test_is_created_with_two_roles_by_the_statements_of_the_page(self, urls):
        script = block("CREATE DATABASE", "sql").replace("cedrina", "cedrina_new")
        with connect(urls.superuser) as connection:
            for statement in filter(str.strip, script.split(";")):
                connection.execute(statement)
        owner = at(urls.owner, "cedrina_new", account="cedrina_new_owner:one")
        serving = at(urls.serving, "cedrina_new", account="cedrina_new_app:another%20one")
        manage("migrate", "--no-input", "--verbosity=0", serving=serving, owner=owner)
        assert (
            json.loads(manage("grant_serving_role", "--dry-run", "--json", serving=serving, owner=owner))["statements"]
            == []
        )

    def test_says_how_the_queue_is(self, urls):
        with connect(urls.serving) as connection:
            assert connection.execute(block("procrastinate_jobs", "sql")).description[0].name == "status"

    def test_comes_back_from_a_dump(self, urls, tmp_path):
        """Dump as the owner, restore into an empty database, and go on as the page says."""
        path = f"{urls.server._binaries.directory}:{os.environ['PATH']}"
        manage("create_admin", "--username", "saved", "--email", "saved@example.org", serving=urls.serving)
        manage("rotate_signing_key", serving=urls.serving)
        run(block("pg_dump --format"), cwd=tmp_path, PATH=path, DATABASE_MIGRATION_URL=urls.owner)
        with connect(urls.superuser) as connection:
            connection.execute(f"CREATE DATABASE restored OWNER {OWNER}")
            connection.execute(f"GRANT CONNECT, TEMPORARY ON DATABASE restored TO {SERVING}")
        owner, serving = (at(url, "restored") for url in (urls.owner, urls.serving))

        run(block("pg_restore"), cwd=tmp_path, PATH=path, RESTORED_URL=owner)
        for command in block("revoke_sessions --all").splitlines():
            manage(*shlex.split(command)[2:], serving=serving, owner=owner)

        assert "saved@example.org" in manage("export_user", "saved", serving=serving)
        json.loads(manage("reencrypt_fields", "--json", serving=serving))  # the secrets can be read
        assert (
            json.loads(manage("grant_serving_role", "--dry-run", "--json", serving=serving, owner=owner))["statements"]
            == []
        )
