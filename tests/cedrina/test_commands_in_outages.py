"""Every command of manage.py while the database or Redis is down: one sentence with what to do, and no secret."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.core.management import get_commands, load_command_class

from tests.programs import forked_programs, served

pytestmark = pytest.mark.process
OURS = ("accounts", "accounts.access", "cedrina", "cedrina.tooling", "ratelimiting", "security_events", "tokens")
SECRET = "geheimes-kennwort"
DEAD = f"postgres://cedrina:{SECRET}@127.0.0.1:1/cedrina"
SENTENCE = "The database at 127.0.0.1, port 1, does not answer; start it, or correct DATABASE_URL."
# They answer without the database, or wait until it is there.
NEEDS_NO_DATABASE = {
    "check_before_serving",
    "detect_simulate",
    "preview_mail",
    "ratelimit_simulate",
    "shell_completion",
    "support_bundle",
    "translations",
    "witness",
    "write_configuration_doc",
    "write_openapi_document",
}
WAITS = {"deliver_security_events", "run_worker"}
DJANGOS = {"migrate": [], "showmigrations": [], "changepassword": ["mina"], "shell": ["-c", "1"]}


@pytest.fixture(scope="module")
def arguments(tmp_path_factory):
    """What each of our commands is called with, so that it comes as far as the database."""
    folder = tmp_path_factory.mktemp("commands")
    (folder / "people.csv").write_text("id,email,password_hash\n")
    (folder / "log").write_text("")
    (folder / "key.pem").write_bytes(pem())
    (folder / "policies.json").write_text("[]")
    special = {
        "import_users": [str(folder / "people.csv"), "--format", "supabase"],
        "ratelimit_simulate": ["--policies", str(folder / "policies.json"), "--log", str(folder / "log")],
        "detect_simulate": ["--people", "10", "--days", "300", "--attacks", "1"],
        "explain_risk": ["019b8d5a-4c1e-7a30-9f52-0d6f6b0f8a11"],
        "grant_serving_role": ["--role", "nobody"],
        "create_admin": ["--username", "mina", "--email", "mina@example.org"],
        "prepare_development": ["--username", "mina", "--email", "mina@example.org"],
        "createsuperuser": ["--noinput", "--username", "mina", "--email", "mina@example.org"],
        "release_address": ["mina@example.org", "mina@example.org"],
        "revoke_sessions": ["--all", "--yes"],
        "import_signing_key": [str(folder / "key.pem")],
        "export_sigma": [str(folder / "sigma")],
        "export_security_events": ["--output", str(folder / "events.ndjson")],
        "account": ["lock", "mina", "--reason", "a test"],
        "service_client": ["create", "orders", "--scope=tokens:introspect", "--reason", "a test"],
        "client_roles": ["give", "orders", "auditor", "--reason", "a test"],
        "support_bundle": ["--output", str(folder / "support.zip")],
        "translations": ["check"],
        "policies": ["rollback", "1", "--reason", "a test"],
        "webhooks": ["list"],
        "incidents": ["list"],
        "detection_rules": ["list"],
        "witness": ["--name", "witness.example", "--state", str(folder / "witness"), "--show-key"],
        "write_configuration_doc": ["--check"],
        "write_openapi_document": ["--check"],
    }
    return {name: special.get(name) or required(name, app) for name, app in our_commands().items()}


def pem():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def our_commands():
    return {name: app for name, app in get_commands().items() if app in OURS and name not in WAITS}


def required(name, app):
    """Return arguments that a command's parser accepts."""
    given = []
    for action in load_command_class(app, name).create_parser("manage.py", name)._actions:
        value = str(next(iter(action.choices))) if action.choices else "1" if action.type is int else "mina@example.org"
        if not action.option_strings and action.nargs not in ("?", "*"):
            given.append(value)
        elif action.required:
            given += [action.option_strings[-1], value]
        elif "--yes" in action.option_strings:
            given.append("--yes")
    return given


@pytest.fixture(scope="module")
def ended(arguments):
    """What all commands did, by name; under ``json`` with that option."""
    plain = {name: [name, *given] for name, given in {**DJANGOS, **arguments}.items()}
    as_json = {f"{name} json": [*plain[name], "--json"] for name in ("unlock_account", "doctor", "erase_user")}
    calls = {**plain, **as_json}
    environment = served.environment(DATABASE_URL=DEAD, CREATE_ADMIN_PASSWORD="four quiet green lamps")
    environment["DJANGO_SUPERUSER_PASSWORD"] = "four quiet green lamps"
    return dict(zip(calls, forked_programs.run_commands(list(calls.values()), environment=environment), strict=True))


@pytest.mark.parametrize("name", sorted({**DJANGOS, **our_commands()}))
def test_a_command_says_in_a_sentence_that_the_database_is_down(ended, name):
    code, out, err = ended[name]
    assert "Traceback" not in out + err
    assert SECRET not in out + err
    if name in NEEDS_NO_DATABASE or name == "shell":
        assert SENTENCE not in out
    else:
        assert (code, out, err.strip().splitlines()[-1:]) == (1, "", [SENTENCE])
        assert len(err.strip().splitlines()) == 1


@pytest.mark.parametrize("name", ["unlock_account", "doctor", "erase_user"])
def test_a_command_with_json_says_it_as_an_object(ended, name):
    code, out, err = ended[f"{name} json"]
    assert json.loads(out) == {"error": {"code": "database_unavailable", "detail": SENTENCE}}
    assert (code, err) == (1, "")


def test_without_make_run_a_command_says_so(tmp_path):
    stale = tmp_path / "database-url"
    environment = served.environment(CEDRINA_DATA_DIR=str(tmp_path))
    calls = [["unlock_account", "mina"]]
    [without] = forked_programs.run_commands(calls, environment=environment)
    stale.write_text(DEAD)
    [killed] = forked_programs.run_commands(calls, environment=environment)
    assert without == killed == (1, "", "make run is not running; start it or set DATABASE_URL.\n")


def test_of_redis_says_that_redis_is_down(tmp_path):
    environment = served.environment(DATABASE_URL=DEAD, REDIS_URL=f"redis://:{SECRET}@127.0.0.1:1/0")
    for code, out, err in forked_programs.run_commands(
        [["ratelimit_status"], ["check_before_serving"]], environment=environment
    ):
        assert "Traceback" not in out + err
        assert SECRET not in out + err
        assert code in (0, 1)
    assert "redis_unavailable" in err
    assert "Start Redis, or correct REDIS_URL" in err
    assert "database_unavailable" in err
