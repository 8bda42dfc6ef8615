"""Start Python programs of ours in forks of one process that has loaded their libraries.

Three quarters of what a server or a command computes until it works is the import of libraries, which is the same each
time. A fork has them already. It reads its own settings and loads all code of ours itself; from the second program of
one kind on, it has our code, too (``loaded_code.py``). Tests of a start use a program of its own instead:
``served.serving(is_forked=False)``.
"""

import atexit
import contextlib
import functools
import gc
import json
import os
import runpy
import select
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import time
import types
from collections import Counter
from importlib import import_module
from pathlib import Path

from cedrina.tooling.embedded import processes
from tests.programs import loaded_code

ROOT = Path(__file__).resolve().parents[2]
CONTROL = 3  # the descriptor of a process that forks others
LOADS_CODE = ["loads code"]  # instead of a program's arguments
MOST_KINDS = 4  # of which a worker of the tests keeps a process with our code
MESSAGE_BYTES = 128 * 1024  # arguments and environment
IS_POSSIBLE = hasattr(os, "pidfd_open")
# What servers and commands import, of what can be imported before there are settings.
LIBRARIES = (
    "annotated_types",
    "argon2",
    "asgiref.sync",
    "authlib.integrations.requests_client",
    "authlib.oidc.core",
    "authlib.oidc.discovery",
    "autobahn.twisted.websocket",
    "bcrypt",
    "channels.layers",
    "channels_redis.core",
    "croniter",
    "cryptography.hazmat.primitives.asymmetric.rsa",
    "cryptography.hazmat.primitives.ciphers.aead",
    "cryptography.hazmat.primitives.serialization.pkcs12",
    "cryptography.x509",
    "django.contrib.admin.widgets",
    "django.contrib.auth.hashers",
    "django.contrib.auth.password_validation",
    "django.core.management.commands.migrate",
    "django.core.management.commands.shell",
    "django.db.backends.postgresql.base",
    "django.db.migrations.executor",
    "django.db.models",
    "django.forms",
    "django.template.backends.django",
    "django.test.client",
    "email_validator",
    "encodings.idna",
    "environ",
    "fido2.server",
    "granian.constants",
    "jinja2",
    "jiter",
    "joserfc.jwt",
    "jwt",
    "markdown_it",
    "orjson",
    "procrastinate.contrib.django.django_connector",
    "procrastinate.psycopg_connector",
    "psycopg.types.json",
    "psycopg_pool",
    "pydantic.types",
    "qrcode",
    "redis.asyncio",
    "requests",
    "rest_framework.exceptions",
    "rest_framework.fields",
    "service_identity.pyopenssl",
    "structlog.stdlib",
    "structlog.dev",
    "twisted.web.server",
    "ua_parser",
    "ua_parser_builtins.matchers",
    "uritemplate",
    "uuid_utils",
    "uvicorn.protocols.http.httptools_impl",
    "uvloop",
    "whitenoise.middleware",
    "yaml",
    "zxcvbn_rs_py",
)


class ForkedProgram:
    """A process that was started so, with the part of ``subprocess.Popen`` that tests use."""

    def __init__(self, pid, connection):
        self.pid, self.returncode = pid, None
        self.connection = connection  # to the process that started it

    def poll(self):
        """Return its exit code, None while it runs."""
        return self._wait(0)

    def wait(self, timeout=None):
        """Return its exit code. Raises: TimeoutExpired."""
        if self._wait(timeout) is None:
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout)
        return self.returncode

    def send_signal(self, signum):
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signum)

    def terminate(self):
        self.send_signal(signal.SIGTERM)

    def kill(self):
        self.send_signal(signal.SIGKILL)

    def _wait(self, timeout):
        if self.returncode is None and select.select([self.connection], [], [], timeout)[0]:
            code = self.connection.recv(16)
            assert code, "the process that started it has ended"
            self.returncode = int(code)
            self.connection.close()
        return self.returncode


@functools.cache
def _starter():
    """Return the connection to this process's own starter, which ends when that closes."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.programs.forked_programs", str(theirs.fileno())],
            cwd=ROOT,
            env={name: text for name, text in os.environ.items() if not name.startswith("DJANGO_")},
            stdin=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )

    def end():
        ours.close()
        process.wait()

    atexit.register(end)
    return ours


def start(arguments, *, environment, stdout=1, stderr=2):
    """Start ``python *arguments`` in a session of its own, in the project's directory, without an input.

    ``arguments`` begin with ``-m`` and a module, with ``-c`` and code, or with the path of a file. It gets SIGTERM when
    the tests end.
    """
    if not IS_POSSIBLE:
        return start_own(arguments, environment=environment, stdout=stdout, stderr=stderr)
    message = json.dumps({"arguments": list(arguments), "environment": environment}).encode()
    assert len(message) < MESSAGE_BYTES
    kind = loaded_code.kind_of(arguments, environment)
    loaded = _STARTERS.of(kind, environment)
    program = loaded and _ask(loaded, message, stdout, stderr)
    if not program:
        # Without our code, when that can't be loaded: the program says why. Others of its kind may have no fault.
        _STARTERS.forget(kind)
        program = _ask(_starter(), message, stdout, stderr)
    assert program, "the process could not be started"
    return program


def _ask(starter, message, stdout, stderr, *control):
    """Return the program that a starter has started, None when it has ended itself."""
    ours, theirs = socket.socketpair()
    try:
        with theirs:
            socket.send_fds(starter, [message], [theirs.fileno(), stdout, stderr, *control])
        pid = ours.recv(16)
    except ConnectionError:
        pid = b""
    if pid:
        return ForkedProgram(int(pid), ours)
    ours.close()
    return None


class _Starters:
    """The processes that have loaded our code, by the kind of environment: those that were used last."""

    def __init__(self):
        self._seen, self._loaded = Counter(), {}
        atexit.register(self._end, 0)

    def of(self, kind, environment):
        """Return the connection to the one of a kind, None for the first program of a kind."""
        self._seen[kind] += 1
        if kind is None or self._seen[kind] == 1:
            return None
        found = self._loaded.pop(kind, None) or self._start(environment)
        self._loaded[kind] = found
        self._end(MOST_KINDS)
        return found[0]

    def _start(self, environment):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        message = json.dumps(
            {"arguments": LOADS_CODE, "environment": loaded_code.environment_for(environment)}
        ).encode()
        with theirs, Path(os.devnull).open("wb") as nowhere:
            process = _ask(_starter(), message, nowhere.fileno(), nowhere.fileno(), theirs.fileno())
        assert process, "the process that forks others has ended"
        return ours, process.connection

    def forget(self, kind):
        """Let the one of a kind end when its programs have ended."""
        for connection in self._loaded.pop(kind, ()):
            connection.close()

    def _end(self, number):
        while len(self._loaded) > number:
            self.forget(next(iter(self._loaded)))


_STARTERS = _Starters()


def start_own(arguments, *, environment, folder=ROOT, stdout=None, stderr=None, prefix=()):
    """Start it as a program of its own, which takes three times as long. It ends with the tests, too.

    ``prefix`` is a command that it is an argument of, such as ``unshare``.
    """
    return subprocess.Popen(
        [*prefix, sys.executable, *arguments],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        start_new_session=True,
        preexec_fn=processes.ends_with_parent(signal.SIGTERM),
    )


def run(arguments, *, environment):
    """Run it until it ends, and return exit code, standard output and standard error."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = start(arguments, environment=environment, stdout=out.fileno(), stderr=err.fileno())
        code = process.wait()
        texts = []
        for stream in (out, err):
            stream.seek(0)
            texts.append(stream.read().decode())
    return code, *texts


def run_commands(commands, *, environment):
    """Run commands of manage.py, one after the other, and return exit code, standard output and error of each."""
    return [run(["manage.py", *arguments], environment=environment) for arguments in commands]


def _load_libraries():
    gc.disable()
    for name in LIBRARIES:
        with contextlib.suppress(ModuleNotFoundError):  # not each exists on every system
            import_module(name)
    gc.collect()
    gc.freeze()
    gc.enable()


def _serve_starts(control, *, waits=False):
    """Fork what is asked for until nobody asks any more. Returns in each fork, with the arguments of its program.

    With ``waits`` this process lives as long as its forks, which get SIGTERM when it ends.
    """
    selector = selectors.DefaultSelector()
    selector.register(control, selectors.EVENT_READ)
    children = {}
    while selector.get_map():
        for key, _ in selector.select():
            if key.fileobj is not control:
                pid, connection = children.pop(key.fd)
                selector.unregister(key.fd)
                os.close(key.fd)
                code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
                with contextlib.suppress(OSError), connection:  # nobody may wait for it
                    connection.sendall(str(code).encode())
                continue
            message, descriptors, _, _ = socket.recv_fds(control, MESSAGE_BYTES, 4)
            if not message:
                selector.unregister(control)
                if not waits:
                    sys.exit()
                continue
            connection = socket.socket(fileno=descriptors[0])
            has_begun, begins = os.pipe()
            pid = os.fork()
            if pid == 0:
                selector.close()
                for each in (control, connection, *(kept for _, kept in children.values())):
                    each.close()
                given = json.loads(message)
                _become(given, descriptors[1:3])
                os.close(begins)
                if descriptors[3:]:
                    os.dup2(descriptors[3], CONTROL)
                os.closerange(CONTROL + len(descriptors[3:]), os.sysconf("SC_OPEN_MAX"))
                return given["arguments"]
            for descriptor in (begins, *descriptors[1:]):
                os.close(descriptor)
            os.read(has_begun, 1)  # until the fork has a session of its own
            os.close(has_begun)
            watched = os.pidfd_open(pid)
            children[watched] = (pid, connection)
            selector.register(watched, selectors.EVENT_READ)
            connection.sendall(str(pid).encode())
    sys.exit()


def _become(given, outputs):
    """Make this fork what a process is that the tests started themselves."""
    os.setsid()
    processes.ends_with_parent(signal.SIGTERM)()
    for number, descriptor in enumerate(outputs, start=1):
        os.dup2(descriptor, number)
    os.environ.clear()
    os.environ.update(given["environment"])
    time.tzset()
    # What the interpreter would have set, and what a supervisor starts anew.
    sys.orig_argv = [sys.executable, *given["arguments"]]


def _run(arguments):
    if arguments[0] == "-m":
        sys.argv = arguments[1:]
        sys.path[0] = str(ROOT)
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    elif arguments[0] == "-c":
        sys.argv = ["-c", *arguments[2:]]
        sys.path[0] = str(ROOT)
        main = sys.modules["__main__"] = types.ModuleType("__main__")
        exec(compile(arguments[1], "<string>", "exec"), vars(main))  # noqa: S102 - as the interpreter does
    else:
        sys.argv = list(arguments)
        sys.path[0] = str((ROOT / arguments[0]).parent)
        runpy.run_path(arguments[0], run_name="__main__")


if __name__ == "__main__":
    _load_libraries()
    asked = _serve_starts(socket.socket(fileno=int(sys.argv[1])))
    if asked == LOADS_CODE:
        loaded_code.load()
        asked = _serve_starts(socket.socket(fileno=CONTROL), waits=True)
        loaded_code.read_settings()
    _run(asked)
