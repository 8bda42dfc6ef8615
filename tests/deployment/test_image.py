"""The files that the image contains are enough to run the product: development tools are not among them."""

import os
import re
import shutil
import subprocess
import sys

import pytest

from tests.programs import served

COPIED = re.compile(r"^COPY (?!--from)(\w[\w.]*) ", re.MULTILINE)


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """Give a directory with the files that the Dockerfile copies, without those that .dockerignore leaves out.

    What Python has compiled of them comes with them: the commands below would compile it again.
    """
    directory = tmp_path_factory.mktemp("image")
    ignored = {line for line in (served.ROOT / ".dockerignore").read_text().splitlines() if line[0] not in "*!"}
    for name in COPIED.findall((served.ROOT / "Dockerfile").read_text()):
        source = served.ROOT / name
        if source.is_dir():
            shutil.copytree(source, directory / name, ignore=lambda folder, names: ignored_in(folder, names, ignored))
        else:
            shutil.copy(source, directory / name)
    return directory


def ignored_in(folder, names, ignored):
    relative = os.path.relpath(folder, served.ROOT)
    return [name for name in names if f"{relative}/{name}" in ignored]


def run(image, *arguments, environment="production"):
    settings = {
        "CEDRINA_ENV": environment,
        "PUBLIC_URL": "https://id.example.org",
        "ALLOWED_HOSTS": "id.example.org",
        "EMAIL_URL": "smtp://127.0.0.1",
        "DEFAULT_FROM_EMAIL": "cedrina@example.org",
        "BCRYPT_ROUNDS": "12",
        "EMAIL_CONFIRMATION": "required",
    }
    url = os.environ["DATABASE_URL"]
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=image,
        env=served.environment(DATABASE_URL=url, **settings),
        capture_output=True,
        text=True,
        check=False,
    )


class TestTheImage:
    def test_has_no_development_tools(self, image):
        assert (image / "cedrina" / "serving").is_dir()
        assert not (image / "cedrina" / "tooling").exists()

    def test_loads_the_application(self, image):
        code = "import os; os.environ['DJANGO_SETTINGS_MODULE'] = 'cedrina.settings.prod'; import cedrina.asgi"
        assert run(image, "-c", code).returncode == 0

    @pytest.mark.parametrize("environment", ["production", "development"])
    def test_passes_the_checks(self, image, environment):
        done = run(image, "manage.py", "check", environment=environment)
        assert done.returncode == 0, done.stderr
