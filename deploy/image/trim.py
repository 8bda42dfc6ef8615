"""Remove from the image's Python environment what a server never reads, and compile what it imports.

Removed are pip, tests of libraries, sources of translations, translations into languages that Cedrina does not speak,
source maps, packages of Node, programs in folders of libraries, and the tables of symbols of native libraries, which
their code does not use. Compiled are the modules that the three processes import; all others are compiled when they are
imported, in memory.

At the end each native library is loaded, and `manage.py check` imports all of Cedrina: the build fails if something
needed is gone.
"""

import ctypes
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

LANGUAGES = {"en", "es", "fa", "ar"}
PACKAGES = Path(sysconfig.get_path("purelib"))
UNREAD_FOLDERS = ("tests", "bin", "node_modules", "twisted/**/test", "autobahn/**/test", "zope/**/testing")
INSTALLERS = ("pip", "setuptools", "pkg_resources", "_distutils_hack", "distutils-precedence.pth")
# Of no use to a running system check; each is replaced when the container starts.
SETTINGS = {
    "CEDRINA_ENV": "development",
    "SECRET_KEY": "only-while-the-image-is-built-" + 30 * "x",
    "FIELD_ENCRYPTION_KEYS": "build:" + 43 * "A" + "=",
}
SERVERS = "granian.server, granian.asgi, daphne.server, uvicorn.protocols.http.httptools_impl, cedrina.asgi"


def main() -> int:
    """Trim the environment of this interpreter. The current folder is that of manage.py."""
    before = size()
    remove_unread()
    remove_translations()
    remove_installers()
    strip_libraries()
    print(f"{before / 1e6:.0f} MB of packages became {size() / 1e6:.0f} MB")
    environment = {**os.environ, **SETTINGS, "DJANGO_SETTINGS_MODULE": "cedrina.settings.dev"}
    for command in (["manage.py", "check"], ["-c", f"import {SERVERS}"]):
        subprocess.run([sys.executable, *command], env=environment, check=True)
    return 0


def remove_unread() -> None:
    """Remove what is for people who test, debug or build a library."""
    for pattern in UNREAD_FOLDERS:
        for folder in [path for path in PACKAGES.glob(f"**/{pattern}") if path.is_dir()]:
            shutil.rmtree(folder, ignore_errors=True)  # one in another one is gone already
    for source_map in PACKAGES.glob("**/static/**/*.map"):
        source_map.unlink()


def remove_translations() -> None:
    """Remove translations into languages that Cedrina does not speak, and the sources of all others."""
    for folder in [path for path in PACKAGES.glob("**/locale/*") if path.is_dir()]:
        if folder.name.partition("_")[0] not in LANGUAGES:
            shutil.rmtree(folder)
    for source in PACKAGES.glob("**/locale/**/*.po"):
        source.unlink()


def remove_installers() -> None:
    """Remove pip: nothing is installed into a running container."""
    for name in INSTALLERS:
        for path in (PACKAGES / name, *PACKAGES.glob(f"{name}-*.dist-info")):
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
    for script in Path(sys.prefix, "bin").glob("pip*"):
        script.unlink()


def strip_libraries() -> None:
    """Remove the symbols and what is for debuggers, if binutils are here, and load each library.

    Raises: OSError if a library can't be loaded.
    """
    libraries = [path for path in PACKAGES.glob("**/*.so*") if path.is_file() and not path.is_symlink()]
    if shutil.which("strip") is None:
        print("strip (binutils) is not here, so native libraries keep their symbols: the image is 24 MB larger.")
    else:
        subprocess.run(["strip", "--strip-unneeded", *map(str, libraries)], check=True)
    for path in libraries:
        ctypes.CDLL(str(path))


def size() -> int:
    """Return the bytes of all files of the environment."""
    return sum(path.stat().st_size for path in PACKAGES.glob("**/*") if path.is_file() and not path.is_symlink())


if __name__ == "__main__":
    sys.exit(main())
