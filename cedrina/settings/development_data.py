"""The directory of a development machine: its secrets, its database, and where that database listens at the moment."""

import contextlib
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
DEFAULT_DIRECTORY = ".data"
_REMEMBERED = "database-url"


def data_directory(name: str = "") -> Path:
    """Return the directory that CEDRINA_DATA_DIR names; a relative name is one below the project's directory."""
    return PROJECT / (name or DEFAULT_DIRECTORY)


def remember_database(url: str, *, directory: Path) -> None:
    """Write down where the database of `make run` listens, for `manage.py` in another terminal."""
    kept = directory / _REMEMBERED
    kept.touch(mode=0o600)
    kept.write_text(url, encoding="ascii")


def forget_database(*, directory: Path) -> None:
    """Delete what ``remember_database`` wrote. After SIGKILL it stays; then nothing answers at that address."""
    (directory / _REMEMBERED).unlink(missing_ok=True)


def remembered_database(*, directory: Path) -> str | None:
    """Return where the database of a running `make run` listens; ``None`` when none runs or the file is not readable.

    The file is ASCII; a file that was damaged is treated as none.
    """
    with contextlib.suppress(OSError, UnicodeDecodeError):
        text = (directory / _REMEMBERED).read_text(encoding="ascii").strip()
        return text if text.startswith("postgres://") else None
    return None
