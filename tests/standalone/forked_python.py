"""Be ``python`` in a project: each program is a fork of one process that has imported the libraries.

That import is most of what a command of a project takes. This file runs in the project's environment, by its path, and
imports nothing of this repository: ``python forked_python.py SOCKET LIBRARY...``. ``write_client`` makes the program
that the project finds as ``python``. One program runs at a time.
"""

import contextlib
import gc
import os
import runpy
import socket
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

# Without site, it starts in 15 ms of CPU.
CLIENT = """#!{python} -IS
import os, socket, sys

with socket.socket(socket.AF_UNIX) as server:
    server.connect({address!r})
    environment = [f"{{name}}={{text}}" for name, text in os.environ.items()]
    socket.send_fds(server, [b" "], [0, 1, 2])
    server.sendall("\\0".join([os.getcwd(), str(len(sys.argv)), *sys.argv, *environment]).encode())
    server.shutdown(socket.SHUT_WR)
    sys.exit(int(server.recv(16) or 1))
"""


def write_client(path, *, python, address):
    """Write the program that lets the process at an address run what it was asked for, and ends as that does."""
    path.write_text(CLIENT.format(python=python, address=str(address)), encoding="utf-8")
    path.chmod(0o755)


def serve(listener):
    """Fork for each program and tell its exit code; return in the fork, with its arguments."""
    while True:
        connection, _ = listener.accept()
        with connection:
            _, descriptors, _, _ = socket.recv_fds(connection, 1, 3)
            with connection.makefile("rb") as stream:
                folder, number, *texts = stream.read().decode().split("\0")
            pid = os.fork()
            if pid == 0:
                listener.close()
                _become(folder, dict(text.split("=", 1) for text in texts[int(number) :]), descriptors)
                return texts[1 : int(number)]
            for descriptor in descriptors:
                os.close(descriptor)
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            with contextlib.suppress(OSError):  # nobody may wait for it any more
                connection.sendall(str(code if code >= 0 else 128 - code).encode())


def _become(folder, environment, descriptors):
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
        os.close(descriptor)


def run(arguments):
    """Run it as the interpreter would."""
    kind, *rest = arguments
    if kind == "-c":
        sys.path.insert(0, "")
        sys.argv = ["-c", *rest[1:]]
        main = sys.modules["__main__"] = ModuleType("__main__")
        exec(rest[0], vars(main))  # noqa: S102 - that is what -c does
    elif kind == "-m":
        sys.path.insert(0, str(Path.cwd()))
        sys.argv = rest
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    else:
        sys.path.insert(0, str(Path(kind).resolve().parent))
        sys.argv = arguments
        runpy.run_path(kind, run_name="__main__")


if __name__ == "__main__":
    address, *libraries = sys.argv[1:]
    del sys.path[0]  # the folder of this file
    for name in libraries:
        with contextlib.suppress(ImportError, Warning):  # the project's extra may not bring it
            import_module(name)
    gc.collect()
    gc.freeze()
    own = socket.socket(socket.AF_UNIX)
    own.bind(address)
    own.listen()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    run(serve(own))
