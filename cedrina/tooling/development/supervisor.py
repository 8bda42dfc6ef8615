"""The processes of `make run`, kept together: all start, all end, the worker comes back when it dies."""

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
    """One process to look after."""

    name: str
    command: Sequence[str]
    comes_back: bool
    process: subprocess.Popen[bytes] | None = None
    due_at: float = field(default=0.0)


class Supervisor:
    """Starts children, watches them, and ends them in the reverse order."""

    def __init__(self) -> None:
        self._children: list[Child] = []

    def start(self, name: str, command: Sequence[str], *, comes_back: bool = False) -> None:
        """Start a process; one that `comes_back` is started anew when it ends, any other ends everything."""
        child = Child(name=name, command=command, comes_back=comes_back)
        self._children.append(child)
        self._launch(child)

    def look(self) -> None:
        """Start again what died and may come back.

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
        """End all children, the last started first."""
        for child in reversed(self._children):
            if child.process is not None:
                processes.stop(child.process, with_signal=signal.SIGTERM, patience=STOP_SECONDS)

    def _launch(self, child: Child) -> None:
        # A session of its own: Ctrl-C reaches this process alone, which then ends the others in order.
        with processes.signals_held():
            child.process = subprocess.Popen(
                child.command,
                cwd=ROOT,
                env=os.environ,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                preexec_fn=processes.ends_with_parent(signal.SIGTERM),
            )
