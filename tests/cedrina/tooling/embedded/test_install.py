import hashlib
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

INSTALL = Path(__file__).resolve().parents[4] / "cedrina" / "tooling" / "embedded" / "install.py"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A tree whose locked requirements need no registry. Its environment is made once, in two seconds of CPU."""
    folder = tmp_path_factory.mktemp("checkout")
    (folder / "cedrina" / "tooling" / "embedded").mkdir(parents=True)
    (folder / "cedrina" / "tooling" / "embedded" / "install.py").write_text(INSTALL.read_text())
    (folder / "requirements").mkdir()
    (folder / "requirements" / "dev.txt").write_text("# nothing\n")
    return folder


@pytest.fixture(scope="module")
def first(checkout):
    """Return what the first installation in the tree said."""
    return install(checkout)


def install(root, **environment):
    command = [sys.executable, root / "cedrina" / "tooling" / "embedded" / "install.py"]
    return subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **environment})


def wheel(directory, name, version, *metadata):
    """Make an empty package and return its line of a lock file."""
    path = directory / f"{name}-{version}-py3-none-any.whl"
    about = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        described = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *metadata]
        archive.writestr(f"{about}/METADATA", "\n".join(described) + "\n")
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{about}/RECORD", f"{about}/METADATA,,\n{about}/WHEEL,,\n{about}/RECORD,,\n")
    return f"{name}=={version} --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


class TestInstall:
    def test_makes_the_environment_once_and_again_when_the_lock_changed(self, checkout, first):
        assert (first.returncode, first.stderr) == (0, "")
        assert "Installing the locked requirements" in first.stdout
        assert (checkout / ".venv" / "bin" / "python").exists()

        second = install(checkout)
        assert (second.returncode, second.stdout, second.stderr) == (0, "", "")

        (checkout / "requirements" / "dev.txt").write_text("./without-a-hash\n")
        for _ in range(2):
            broken = install(checkout)
            assert broken.returncode == 1
            assert "pip failed; its message stands above" in broken.stderr

    def test_is_not_led_astray_by_releases_newer_than_the_lock(self, checkout, first, tmp_path):
        assert first.returncode == 0
        shelf = tmp_path / "shelf"
        shelf.mkdir()
        locked = wheel(shelf, "cedrina_probe", "1.0", "Requires-Dist: cedrina_probe_part[more]>=1")
        locked += wheel(shelf, "cedrina_probe_part", "1.0", "Provides-Extra: more")
        wheel(shelf, "cedrina_probe_part", "2.0", "Provides-Extra: more")
        (checkout / "requirements" / "dev.txt").write_text(locked)

        done = install(checkout, PIP_NO_INDEX="1", PIP_FIND_LINKS=str(shelf))

        assert (done.returncode, done.stderr) == (0, "")
        assert list((checkout / ".venv").glob("lib/*/site-packages/cedrina_probe_part-1.0.dist-info"))
