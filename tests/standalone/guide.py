"""Follow a page of the documentation in a new Django project: write its files, run its commands, compare the output.

A page is followed from top to bottom:

- a Python or YAML block below a line with a path in backticks is appended to that file;
- in a console block each line after ``$`` is run by a shell; output that is shown below it must be printed, where ``…``
  stands for any text;
- other Python blocks and SQL blocks are left to the test, which knows what they need.

``pip install`` is not run. The project imports the apps from the wheel and their requirements from this environment,
and nothing that the page's extra does not bring. Its server is a program of its own; its
commands are forks of a process that has imported the requirements.
"""

import contextlib
import json
import os
import re
import secrets
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

import psycopg
from psycopg import sql

from cedrina.tooling.embedded import processes
from tests.architecture.source import ROOT
from tests.programs import forked_programs
from tests.programs.ports import free_port
from tests.standalone import forked_python
from tests.standalone.requirements import hide_others

ADDRESS = "http://127.0.0.1:8000"
DATABASE, REDIS = '"NAME": "project"', "redis://127.0.0.1/0"
START_SECONDS = 60
INSTALL = re.compile(r'pip install "cedrina\[([\w-]+)\]"')
# Most of what a command takes is the import of libraries.
MANAGE = """
import contextlib, io, json
from django.core.management import execute_from_command_line
printed = []
for arguments in {commands}:
    with contextlib.redirect_stdout(io.StringIO()) as out:
        execute_from_command_line(["manage.py", *arguments])
    printed.append(out.getvalue())
print(json.dumps(printed))
"""
BLOCK = re.compile(
    r"(?:^`(?P<path>[\w/]+\.(?:py|yaml))`\n\n)?^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE
)


class Guide:
    """A page and its code blocks."""

    def __init__(self, name):
        self.text = (ROOT / "docs" / name).read_text(encoding="utf-8")
        self.blocks = [match.groupdict() for match in BLOCK.finditer(self.text)]
        assert len(self.blocks) == self.text.count("\n```") // 2
        self.extra = INSTALL.search(self.text).group(1)

    def loose(self, language):
        """Return the blocks of a language that no file holds."""
        return [block["text"] for block in self.blocks if block["language"] == language and not block["path"]]


@contextlib.contextmanager
def followed(guide, folder, *, site):
    """Follow a page on a database of its own; ``site`` is the directory of the unpacked wheel."""
    base = os.environ["DATABASE_URL"]
    database = f"guide_{secrets.token_hex(6)}"
    name = sql.Identifier(database)
    with psycopg.connect(_libpq(base), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
        project = Project(folder, site=site, extra=guide.extra, database_url=_libpq(base, database))
        try:
            with project.python():
                project.follow(guide)
                yield project
        finally:
            project.stop_server()
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


def _libpq(url, database=None):
    parts = urlsplit(url)._replace(scheme="postgresql")
    return urlunsplit(parts._replace(path=f"/{database}") if database else parts)


class Project:
    def __init__(self, folder, *, site, extra, database_url):
        self.folder, self.database_url = folder / "project", database_url
        self.programs = folder / "programs"
        self.folder.mkdir()
        self.programs.mkdir()
        self.database = urlsplit(database_url).path[1:]
        self.port, self.server, self.is_served_old = free_port(), None, False
        self.environment = self._environment(hide_others(folder, site=site, extra=extra), site)

    def _environment(self, *paths):
        """Return the environment of another project: nothing in it leads to this repository."""
        parts = urlsplit(self.database_url)
        ours = ("PYTEST_", "DJANGO_", "CEDRINA_", "COV_", "DATABASE_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        postgres = {
            "PGHOST": unquote(parts.hostname or ""),
            "PGPORT": str(parts.port or ""),
            "PGUSER": unquote(parts.username or ""),
            "PGPASSWORD": unquote(parts.password or ""),
        }
        path = os.pathsep.join([str(self.programs), str(Path(sys.executable).parent), kept["PATH"]])
        return (
            kept
            | {name: value for name, value in postgres.items() if value}
            | {
                "PATH": path,
                "PYTHONPATH": os.pathsep.join(map(str, paths)),
                "PYTHONWARNINGS": "error",
            }
        )

    @contextlib.contextmanager
    def python(self):
        """Let programs of the project be forks of a process with its libraries, see ``forked_python.py``."""
        with contextlib.ExitStack() as everything:
            # A socket's path has at most 107 bytes.
            address = Path(everything.enter_context(tempfile.TemporaryDirectory())) / "socket"
            forked_python.write_client(self.programs / "python", python=sys.executable, address=address)
            starter = everything.enter_context(
                subprocess.Popen(
                    [sys.executable, forked_python.__file__, address, *forked_programs.LIBRARIES],
                    cwd=self.folder,
                    env=self.environment,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    start_new_session=True,
                    preexec_fn=processes.ends_with_parent(signal.SIGTERM),
                )
            )
            everything.callback(os.killpg, starter.pid, signal.SIGKILL)
            assert starter.stdout.readline() == b"ready\n"
            yield

    def follow(self, guide):
        """Write the files and run the commands of a page, in its order."""
        for block in guide.blocks:
            if block["path"]:
                self.append(block["path"], block["text"])
            elif block["language"] == "console":
                for command, shown in commands(block["text"]):
                    self.type(command, shown)

    def append(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write("\n" + self.with_own_servers(text))
        self.is_served_old = True

    def with_own_servers(self, text):
        """Put the servers of this run in the place of those that the page names."""
        text = text.replace(ADDRESS, f"http://127.0.0.1:{self.port}").replace(REDIS, os.environ["REDIS_URL"])
        return text.replace(DATABASE, f'"NAME": "{self.database}"')

    def type(self, command, shown):
        """Run a line of a console block and compare what it prints with what the page shows."""
        if command.startswith("pip install "):
            return
        if command == "python manage.py runserver":
            self.start_server()
            return
        if ADDRESS in command and self.is_served_old:
            self.start_server()  # as runserver does when a file has changed
        printed = self.run("sh", "-c", self.with_own_servers(command))
        expected = ".*".join(re.escape(part.strip()) for part in re.split("…", shown))
        assert re.search(expected, printed.replace("\r", ""), re.DOTALL), f"$ {command}\n{printed}"

    def run(self, *arguments):
        done = subprocess.run(
            arguments, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, f"{arguments}\n{done.stdout}{done.stderr}"
        return done.stdout

    def manage(self, *commands):
        """Run commands of manage.py, one after the other, in one process; return what each printed."""
        return json.loads(self.shell(MANAGE.format(commands=[shlex.split(command) for command in commands])))

    def shell(self, *texts):
        """Run Python with the apps of the project loaded."""
        setup = "import os, django; os.environ['DJANGO_SETTINGS_MODULE'] = 'project.settings'; django.setup()"
        return self.run("python", "-c", "\n".join([setup, *texts]))

    def start_server(self):
        self.stop_server()
        self.server = subprocess.Popen(
            [sys.executable, "manage.py", "runserver", "--noreload", f"127.0.0.1:{self.port}"],
            cwd=self.folder,
            env={**self.environment, "PYTHONWARNINGS": "default"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=processes.ends_with_parent(signal.SIGTERM),
        )
        self.is_served_old = False
        deadline = time.monotonic() + START_SECONDS
        while True:
            assert self.server.poll() is None, f"the server ended with {self.server.returncode}"
            assert time.monotonic() < deadline, "the server does not answer"
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=5):
                return
            time.sleep(0.05)

    def stop_server(self):
        if self.server is not None:
            self.server.terminate()
            self.server.wait(timeout=120)
            self.server = None


def commands(text):
    """Return (command, shown output) of each prompt of a console block."""
    found = []
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, shown = re.sub(r"\\\n\s*", "", part).partition("\n")
        found.append((command, shown.strip()))
    return found
