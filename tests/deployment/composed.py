"""docker-compose.yml, read as Compose reads it, with the values that docs/production.md says how to make."""

import json
import re
import shutil
import subprocess

import yaml

from tests.programs.served import ROOT

GUIDE = (ROOT / "docs" / "production.md").read_text(encoding="utf-8")
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
VARIABLE = re.compile(r"\$\{(\w+)(?::([?-])([^}]*))?\}")


def made_files(directory):
    """Run the first block of the guide; return what stands in .env and in cedrina.env."""
    shutil.copy(ROOT / ".env.example", directory)
    block = re.search(r"^```sh\n(.*?)^```", GUIDE, re.DOTALL | re.MULTILINE)[1]
    subprocess.run(["sh", "-eu", "-c", block], cwd=directory, check=True)
    return read(directory / ".env"), read(directory / "cedrina.env")


def read(path):
    pairs = (line.split("=", 1) for line in path.read_text().splitlines() if line and not line.startswith("#"))
    return dict(pairs)


def compose(values):
    """Return the document with its variables replaced; a variable that is required must have a value."""

    def value(match):
        name, kind, rest = match.groups()
        if name in values:
            return values[name]
        assert kind == "-", f"{name} is not set"
        return rest

    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    # As in Compose, variables are replaced in values, not in comments.
    lines = [line if line.lstrip().startswith("#") else VARIABLE.sub(value, line) for line in text.splitlines()]
    return yaml.safe_load("\n".join(lines))


def image_environment():
    """Return the ENV of the image's last stage."""
    last = DOCKERFILE.split("\nFROM ")[-1]
    block = re.search(r"^ENV (.*?)^[A-Z]+ ", last, re.DOTALL | re.MULTILINE)[1].replace("\\\n", " ")
    return dict(pair.split("=", 1) for pair in block.split())


def health_command():
    """Return the command of the image's HEALTHCHECK, as the engine runs it."""
    text = DOCKERFILE.replace("\\\n", "")
    return json.loads(re.search(r"^HEALTHCHECK .*? CMD (\[.*\])$", text, re.MULTILINE)[1])


def secrets_of(document, made, service):
    """Return what the files of a service's secrets contain, by the files' paths."""
    named = document["services"][service].get("secrets", [])
    return {f"/run/secrets/{name}": made[0][document["secrets"][name]["environment"]] for name in named}


def settings_of(document, made, service):
    """Return the environment of a container of ours: the image's, the file's, and what the service says.

    Settings that a file holds are read from it, as the container does.
    """
    files = secrets_of(document, made, service)
    given = {name: str(value) for name, value in document["services"][service]["environment"].items()}
    read = {name.removesuffix("_FILE"): files[value] for name, value in given.items() if name.endswith("_FILE")}
    others = {name: value for name, value in given.items() if not name.endswith("_FILE")}
    # What PgBouncer and the replica would answer, one PostgreSQL answers here.
    return {**image_environment(), **made[1], **others, **read}
