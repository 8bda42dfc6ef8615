"""Remove from the image's Python environment what a server never reads, and compile what it imports.

Removed are pip, tests of libraries, sources of translations, and translations into languages that Cedrina does not
speak. Compiled are the modules that the three processes import; all others are compiled when they are imported, in
memory. `manage.py check` runs last: it imports all of Cedrina, and fails the build if something needed is gone.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

LANGUAGES = {"en", "es", "fa", "ar"}
PACKAGES = Path(sysconfig.get_path("purelib"))
TESTS = ("tests", "twisted/**/test", "autobahn/**/test", "zope/**/testing")
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
    for pattern in ("tests", *TESTS):
        for folder in [path for path in PACKAGES.glob(f"**/{pattern}") if path.is_dir()]:
            shutil.rmtree(folder, ignore_errors=True)
    for folder in [path for path in PACKAGES.glob("**/locale/*") if path.is_dir()]:
        if folder.name.partition("_")[0] not in LANGUAGES:
            shutil.rmtree(folder)
    for source in PACKAGES.glob("**/locale/**/*.po"):
        source.unlink()
    for name in INSTALLERS:
        for path in (PACKAGES / name, *PACKAGES.glob(f"{name}-*.dist-info")):
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
    for script in Path(sys.prefix, "bin").glob("pip*"):
        script.unlink()
    environment = {**os.environ, **SETTINGS, "DJANGO_SETTINGS_MODULE": "cedrina.settings.dev"}
    for command in (["manage.py", "check"], ["-c", f"import {SERVERS}"]):
        subprocess.run([sys.executable, *command], env=environment, check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
