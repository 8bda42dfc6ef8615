"""Make `.venv` and install the locked requirements into it. Standard library only: nothing else is there yet."""

import fcntl
import hashlib
import os
import subprocess
import sys
from pathlib import Path

OLDEST = (3, 11)
ROOT = Path(__file__).resolve().parents[3]
QUIET = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}


def main(root: Path = ROOT) -> int:
    """Bring `.venv` to the state of requirements/dev.txt; return at once when it is there already."""
    if sys.version_info < OLDEST:
        return _refuse(f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}. Use make PYTHON=python3.11.")
    requirements = root / "requirements" / "dev.txt"
    environment = root / ".venv"
    (root / ".data").mkdir(exist_ok=True)
    with (root / ".data" / "install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # `make run` and `make test` may be the first at the same time
        stamp = environment / "requirements.digest"
        digest = hashlib.sha256(requirements.read_bytes()).hexdigest()
        if _works(environment) and stamp.exists() and stamp.read_text() == digest:
            return 0
        if not _works(environment) and _run(sys.executable, "-m", "venv", "--clear", environment):
            return _refuse(f"{sys.executable} could not make .venv. On Debian: apt-get install python3-venv.")
        print("Installing the locked requirements into .venv; the first time takes a minute or two.", flush=True)
        pip = (
            environment / "bin" / "python",
            "-m",
            "pip",
            "install",
            "--quiet",
            # The file names everything that is needed. Resolving anew, pip would look at releases newer than the
            # locked ones wherever a package asks for another one's extras, and refuse them for want of a hash.
            "--no-deps",
            "--require-hashes",
            "-r",
            requirements,
        )
        if _run(*pip):
            return _refuse("pip failed; its message stands above. Is the package registry reachable? Then try again.")
        stamp.write_text(digest)
    return 0


def _works(environment: Path) -> bool:
    try:
        return subprocess.run([environment / "bin" / "python", "-c", ""], check=False).returncode == 0
    except OSError:
        return False


def _run(*command: str | Path) -> int:
    return subprocess.run(command, env={**os.environ, **QUIET}, check=False).returncode


def _refuse(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
