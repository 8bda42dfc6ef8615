"""Clients that generators make of the committed document: nothing is left out, and each can be used."""

import json
import secrets
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.programs import node_packages, served

pytestmark = pytest.mark.process
DOCUMENT = served.ROOT / "docs" / "openapi.json"
CLIENTS = Path(__file__).parent / "generated_clients"
# Its section "Generate a client" has the commands that are run here.
GUIDE = served.ROOT / "docs" / "api-guide.md"
SECONDS = 300
# Less is compiled, in less time: these programs run for seconds.
JVM = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
# What openapi-generator says of every document of OpenAPI 3.1, of every body that has a schema of its own, of every
# body that has an example, and of parameters named `from` and `object`, which are words of their languages.
OF_ANY_DOCUMENT = (
    "OpenAPI 3.1 support is still in beta",
    "Failed to get the schema name: null",
    "Ignoring complex example on request body",
    "From (reserved word) cannot be used as model name",
    "Object (reserved word) cannot be used as model name",
    "Object (model name matches existing language type) cannot be used as a model name",
)


def run(*command, folder, **environment):
    """Run a program in a folder and return what it printed; its failure is the test's."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        env=served.environment(**environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    return done.stdout


def command_of(*words):
    """Return the command of the guide that begins with a program and contains the other words, as a list of words."""
    section = GUIDE.read_text(encoding="utf-8").partition("\n## Generate a client\n")[2].partition("\n## ")[0]
    block = section.partition("```console\n")[2].partition("```")[0].replace("\\\n", "")
    (found,) = (
        line.split() for line in block.splitlines() if line.split()[0] == words[0] and {*words} <= {*line.split()}
    )
    return found


@pytest.fixture(scope="module")
def server():
    with served.database() as url, served.serving(database_url=url) as server:
        yield server


@pytest.fixture
def person():
    return f"person-{secrets.token_hex(6)}"


@pytest.fixture(scope="module")
def node():
    """Return the folder with the programs and libraries of Node.js."""
    node_packages.install(CLIENTS)
    return CLIENTS / "node_modules"


@pytest.fixture
def folder(tmp_path):
    """Return a folder in which the commands of the guide can be run: they read `openapi.json` there."""
    (tmp_path / "openapi.json").symlink_to(DOCUMENT)
    return tmp_path


def assert_journey(printed, name):
    """Check what each journey prints: its person registered, was refused, refreshed, read the account, signed out.

    One of the refusals stands in the document as a range of statuses.
    """
    assert json.loads(printed.strip().splitlines()[-1]) == {
        "username": name,
        "refused": [401, "invalid_credentials"],
        "not_acceptable": [406, "not_acceptable"],
        "signed_out": 204,
        "ended": [401, "session_revoked"],
    }


class TestTheDocument:
    def test_is_valid_to_openapi_spec_validator(self):
        # Here, since it takes a second of CPU to import: jsonschema builds a parser for each kind of address.
        from openapi_spec_validator import OpenAPIV31SpecValidator

        OpenAPIV31SpecValidator(json.loads(DOCUMENT.read_text(encoding="utf-8"))).validate()

    def test_has_nothing_that_redocly_warns_of(self, node):
        printed = run(
            node / ".bin" / "redocly", "lint", DOCUMENT, "--format", "json", folder=CLIENTS, REDOCLY_TELEMETRY="off"
        )
        found = json.loads(printed[printed.index("{\n") : printed.rindex("}") + 1])
        assert found["problems"] == []
        assert found["totals"] == {"errors": 0, "warnings": 0, "ignored": 0}


class TestOpenapiPythonClient:
    def test_leaves_nothing_out_and_its_client_works(self, server, person, folder):
        command = [*command_of("openapi-python-client"), "--fail-on-warning"]
        path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
        printed = run(*command, folder=folder, PATH=path)
        assert "warning" not in printed.lower()
        journey = run(
            sys.executable,
            CLIENTS / "openapi_python_client_journey.py",
            server.url,
            person,
            folder=folder,
            PYTHONPATH=".",
        )
        assert_journey(journey, person)


class TestOpenapiTypescript:
    def test_leaves_nothing_out_and_its_client_works(self, server, person, folder, node):
        _link(folder, node)
        assert "warn" not in run(*_of_npx("openapi-typescript", node), folder=folder).lower()
        journey = _compiled("openapi_typescript_journey", folder, node)
        assert_journey(run("node", journey, server.url, person, folder=folder), person)


@pytest.mark.skipif(shutil.which("java") is None, reason="openapi-generator needs Java")
class TestOpenapiGenerator:
    def test_makes_a_client_for_python(self, server, person, folder):
        _generate("python", folder)
        journey = run(
            sys.executable,
            CLIENTS / "openapi_generator_journey.py",
            server.url,
            person,
            folder=folder,
            PYTHONPATH="client",
        )
        assert_journey(journey, person)

    def test_makes_a_client_for_typescript(self, server, person, folder, node):
        _generate("typescript-fetch", folder)
        _link(folder, node)
        journey = _compiled("typescript_fetch_journey", folder, node)
        assert_journey(run("node", journey, server.url, person, folder=folder), person)

    @pytest.mark.skipif(shutil.which("javac") is None, reason="compiling the client needs a JDK")
    def test_makes_a_client_for_java(self, server, person, folder):
        _generate("java", folder)
        sources = [*(folder / "client" / "src" / "main").rglob("*.java"), *(CLIENTS / "java").rglob("*.java")]
        # openapi-generator itself contains the libraries that its client needs: Jackson, and the annotations.
        libraries = _jar()
        run(
            "javac",
            *(f"-J{flag}" for flag in JVM),
            "-nowarn",
            "-proc:none",
            "-d",
            "classes",
            "-cp",
            libraries,
            *sources,
            folder=folder,
        )
        printed = run("java", *JVM, "-cp", f"classes:{libraries}", "Journey", server.url, person, folder=folder)
        assert_journey(printed, person)


def _jar():
    return Path(find_spec("openapi_generator_cli").origin).parent / "openapi-generator.jar"


def _generate(language, folder):
    """Run the guide's command for a language; fail on each warning that is of the document."""
    words = command_of("openapi-generator-cli", language)
    printed = run("java", *JVM, "-jar", _jar(), *words[1:], folder=folder)
    warnings = [line for line in printed.splitlines() if "WARN" in line or "ERROR" in line]
    assert [line for line in warnings if not any(known in line for known in OF_ANY_DOCUMENT)] == []


def _of_npx(program, node):
    """Return the guide's command with the installed program instead of npx, which would ask the registry."""
    words = command_of("npx", program)
    return [node / ".bin" / program, *words[2:]]


def _link(folder, node):
    """Let what is compiled in a folder find the libraries and be taken for modules."""
    (folder / "node_modules").symlink_to(node)
    (folder / "package.json").write_text('{"type": "module"}')


def _compiled(name, folder, node):
    """Check the types of a journey and of the client that it uses, and return the program."""
    source = folder / f"{name}.ts"
    shutil.copy(CLIENTS / source.name, source)
    flags = ["--strict", "--target", "es2022", "--module", "nodenext", "--skipLibCheck", "--outDir", "built"]
    run(node / ".bin" / "tsc", *flags, source.name, folder=folder)
    return folder / "built" / f"{name}.js"
