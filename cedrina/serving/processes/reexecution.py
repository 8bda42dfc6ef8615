"""Replace the program of the supervising process by a fresh one, which has loaded the present code.

execve(2) keeps the process: its id, its children, and the descriptors that may be inherited. So workers go on serving,
listening sockets stay open, and shared memory stays shared. What the supervisor knows is written to a file in memory,
whose descriptor the next program finds in its environment.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from itertools import chain

from cedrina.serving.processes.shared_memory import create_file
from cedrina.serving.processes.worker_process import HANDLED_SIGNALS, Worker

STATE_DESCRIPTOR = "SUPERVISOR_STATE_DESCRIPTOR"


@dataclass
class WorkerPosition:
    """The restarts of one position: how often its workers ended lately, and when the next one is to start."""

    losses: int = 0
    start_at: float = 0.0


@dataclass
class SupervisorState:
    """What one program of the supervisor hands to the next one.

    ``resources`` are the descriptors of sockets and of shared memory by their use.
    """

    positions: list[WorkerPosition]
    workers: list[Worker] = field(default_factory=list)
    resources: dict[str, list[int]] = field(default_factory=dict)

    def write(self) -> int:
        """Return the descriptor of a file with this state. It can be inherited, as can all that it names."""
        descriptor = create_file()
        with open(descriptor, "wb", closefd=False) as file:
            file.write(json.dumps(asdict(self)).encode())
        pipes = [worker.ready_pipe for worker in self.workers]
        for number in chain([descriptor], pipes, *self.resources.values()):
            os.set_inheritable(number, True)
        return descriptor

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "SupervisorState | None":
        """Return the state that the previous program wrote, None when there was none.

        Raises: SystemExit when another release wrote it in another form.
        """
        if STATE_DESCRIPTOR not in environment:
            return None
        try:
            with os.fdopen(int(environment[STATE_DESCRIPTOR]), "rb") as file:
                file.seek(0)
                content = json.load(file)
            return cls(
                positions=[WorkerPosition(**each) for each in content.pop("positions")],
                workers=[Worker(**each) for each in content.pop("workers")],
                **content,
            )
        except (OSError, ValueError, TypeError, KeyError):
            sys.exit("This release can't take over from the running one: stop the server, then start it.")


class NextProgram:
    """The program that replaces the running one: the same command, with the environment of its start."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = dict(environment)
        self._command = [sys.executable, *sys.orig_argv[1:]]

    def start_check(self, state: SupervisorState) -> subprocess.Popen[bytes]:
        """Start a process that loads the present code and settings, and exits with 0 if they can serve."""
        descriptor = state.write()
        try:
            return subprocess.Popen(  # noqa: S603 - this program's own command
                [*self._command, "--check"],
                env={**self._environment, STATE_DESCRIPTOR: str(descriptor)},
                stdin=subprocess.DEVNULL,
                pass_fds=[descriptor],
            )
        finally:
            os.close(descriptor)

    def execute(self, state: SupervisorState) -> None:
        """Replace the program of this process. Signals wait until the next one has set its handlers.

        Raises: OSError when that is impossible.
        """
        sys.stdout.flush()
        sys.stderr.flush()
        signal.pthread_sigmask(signal.SIG_BLOCK, HANDLED_SIGNALS)
        descriptor = state.write()
        try:
            os.execve(  # noqa: S606 - without a shell
                sys.executable, self._command, {**self._environment, STATE_DESCRIPTOR: str(descriptor)}
            )
        except OSError:
            os.close(descriptor)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDLED_SIGNALS)
            raise
