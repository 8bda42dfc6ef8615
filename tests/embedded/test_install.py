import subprocess
import sys
from pathlib import Path

import pytest

INSTALL = Path(__file__).resolve().parents[2] / "cedrina" / "embedded" / "install.py"


@pytest.fixture
def checkout(tmp_path):
    """A tree whose locked requirements need no registry."""
    (tmp_path / "cedrina" / "embedded").mkdir(parents=True)
    (tmp_path / "cedrina" / "embedded" / "install.py").write_text(INSTALL.read_text())
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "dev.txt").write_text("# nothing\n")
    return tmp_path


def install(root):
    command = [sys.executable, root / "cedrina" / "embedded" / "install.py"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


class TestInstall:
    def test_makes_the_environment_once_and_again_when_the_lock_changed(self, checkout):
        first = install(checkout)
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
