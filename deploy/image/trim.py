"""Remove from the image's Python environment what a server never reads, and compile what it imports.

Removed are pip, what unused.py lists, translations into languages that Cedrina does not speak, sources of translations,
and the tables of symbols of native libraries, which their code does not use. Compiled is what any module of Cedrina
imports; the rest of the libraries is compiled when it is imported, in memory.

What is compiled loses its source, if it is a library's: 17 MB. Tracebacks name files, functions and lines as before,
and show the text of Cedrina's own lines.

At the end each native library is loaded, `manage.py check` is run, and all of Cedrina is imported with all that its
functions import when they are called: the build fails if something needed is gone.
"""

import ctypes
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from unused import PATHS, PROVIDERS

LANGUAGES = {"en", "es", "fa", "ar"}
PACKAGES = Path(sysconfig.get_path("purelib"))
INSTALLERS = ("pip", "setuptools", "pkg_resources", "_distutils_hack", "distutils-precedence.pth")
# Finds its plug-ins by the names of their sources.
READS_SOURCES = {"twisted"}
# Of no use to a running system check; each is replaced when the container starts.
SETTINGS = {
    "CEDRINA_ENV": "development",
    "SECRET_KEY": "only-while-the-image-is-built-" + 30 * "x",
    "FIELD_ENCRYPTION_KEYS": "build:" + 43 * "A" + "=",
}


def main() -> int:
    """Trim the environment of this interpreter. The current folder is that of manage.py."""
    before = size()
    remove_unused()
    remove_translations()
    remove_installers()
    strip_libraries()
    run("manage.py", "check")
    run(str(Path(__file__).with_name("import_all.py")))
    keep_bytecode()
    run("manage.py", "check")
    print(f"{before / 1e6:.0f} MB of packages became {size() / 1e6:.0f} MB")
    return 0


def remove_unused() -> None:
    """Remove what is for people who test, debug or build a library, and parts of libraries without use."""
    for pattern in PATHS:
        for path in list(PACKAGES.glob(pattern)):
            remove(path)
    for folder in PACKAGES.glob("allauth/socialaccount/providers/*/"):
        if folder.name not in PROVIDERS:
            remove(folder)


def remove(path: Path) -> None:
    """Remove a file, or a folder with all in it, if it is there: one in another one may be gone already."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def remove_translations() -> None:
    """Remove translations into languages that Cedrina does not speak, and the sources of all others."""
    for folder in [path for path in PACKAGES.glob("**/locale/*") if path.is_dir()]:
        if folder.name.partition("_")[0] not in LANGUAGES:
            shutil.rmtree(folder)
    for folder in (PACKAGES, Path.cwd()):
        for source in folder.glob("**/locale/**/*.po"):
            source.unlink()


def remove_installers() -> None:
    """Remove pip, as nothing is installed into a running container, and the programs that libraries bring."""
    for name in INSTALLERS:
        for path in (PACKAGES / name, *PACKAGES.glob(f"{name}-*.dist-info")):
            remove(path)
    for script in Path(sys.prefix, "bin").iterdir():
        if not script.name.startswith(("python", "granian", "uvicorn", "daphne")):
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


def keep_bytecode() -> None:
    """Put the bytecode of libraries in the place of its source, where Python imports it as well (PEP 3147)."""
    tag = f".{sys.implementation.cache_tag}.pyc"
    for compiled in list(PACKAGES.glob(f"**/__pycache__/*{tag}")):
        folder, name = compiled.parent.parent, compiled.name.removesuffix(tag)
        if folder.relative_to(PACKAGES).parts[:1] not in {(each,) for each in READS_SOURCES}:
            compiled.replace(folder / f"{name}.pyc")
            (folder / f"{name}.py").unlink()


def run(*command: str) -> None:
    """Run Cedrina's code with this interpreter, in development's settings."""
    environment = {**os.environ, **SETTINGS, "DJANGO_SETTINGS_MODULE": "cedrina.settings.dev", "PYTHONPATH": os.curdir}
    subprocess.run([sys.executable, *command], env=environment, check=True)


def size() -> int:
    """Return the bytes of all files of the environment."""
    return sum(path.stat().st_size for path in PACKAGES.glob("**/*") if path.is_file() and not path.is_symlink())


if __name__ == "__main__":
    sys.exit(main())
