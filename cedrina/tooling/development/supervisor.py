"""The processes of `make run`. They start and stop together; the background worker is restarted when it ends."""

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cedrina.tooling.development.errors import StepFailed
from cedrina.tooling.embedded import processes

ROOT = Path(__file__).resolve().parents[3]
PAUSE_SECONDS = 2.0
STOP_SECONDS = 15


@dataclass
class Child:
    """One process of the supervisor."""

    name: str
    command: Sequence[str]
    comes_back: bool
    process: subprocess.Popen[bytes] | None = None
    due_at: float = field(default=0.0)


class DevelopmentSupervisor:
    """Starts processes, watches them, and stops them in reverse order."""

    def __init__(self) -> None:
        self._children: list[Child] = []

    def start(self, name: str, command: Sequence[str], *, comes_back: bool = False) -> None:
        """Start a process. One with `comes_back` is restarted when it ends; the end of another one stops all."""
        child = Child(name=name, command=command, comes_back=comes_back)
        self._children.append(child)
        self._launch(child)

    def look(self) -> None:
        """Restart the processes that have ended and may be restarted.

        Raises: StepFailed when something ended that the rest cannot do without.
        """
        for child in self._children:
            if child.process is not None and child.process.poll() is not None:
                code = child.process.returncode
                if not child.comes_back:
                    raise StepFailed(f"The {child.name} ended with exit code {code}; its last words stand above.")
                print(f"The {child.name} ended with exit code {code}; it is started again.", flush=True)
                child.process, child.due_at = None, time.monotonic() + PAUSE_SECONDS
            if child.process is None and time.monotonic() >= child.due_at:
                self._launch(child)

    def stop(self) -> None:
        """Stop all processes, the last started first."""
        for child in reversed(self._children):
            if child.process is not None:
                processes.stop(child.process, with_signal=signal.SIGTERM, patience=STOP_SECONDS)

    def _launch(self, child: Child) -> None:
        # A session of its own: Ctrl-C reaches this process only, which then stops the others in order.
        with processes.signals_held():
            child.process = subprocess.Popen(
                child.command,
                cwd=ROOT,
                env=os.environ,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                preexec_fn=processes.ends_with_parent(signal.SIGTERM),
            )
