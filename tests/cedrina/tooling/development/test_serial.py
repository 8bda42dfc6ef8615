"""What the marker `serial` promises: while such a test runs, no other worker runs any."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[3]
SAMPLE = """
import os, pathlib, pytest

def both_ends(name):
    # One write each, which the system appends as a whole.
    with open(os.environ["JOURNAL"], "ab", buffering=0) as journal:
        journal.write(f"{name} begins\\n".encode())
        sum(range(300_000))
        journal.write(f"{name} ends\\n".encode())

@pytest.mark.serial
@pytest.mark.parametrize("number", range(6))
def test_alone(number):
    both_ends(f"alone-{number}")

@pytest.mark.parametrize("number", range(40))
def test_together(number):
    both_ends(f"together-{number}")
"""


@pytest.mark.process
class TestSerial:
    def test_runs_last_and_alone(self, tmp_path):
        (tmp_path / "test_sample.py").write_text(SAMPLE)
        shutil.copy(TESTS / "conftest.py", tmp_path)
        (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n    serial: alone\n")
        temporary = tmp_path / "temporary"
        temporary.mkdir()
        journal = tmp_path / "journal"
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-n", "3", "-p", "no:django", "-p", "no:cacheprovider", tmp_path],
            env={"JOURNAL": str(journal), "TMPDIR": str(temporary), "PATH": "/usr/bin:/bin"},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert "46 passed" in done.stdout, done.stdout + done.stderr
        lines = journal.read_text().splitlines()
        for number in range(6):
            begin = lines.index(f"alone-{number} begins")
            assert lines[begin + 1] == f"alone-{number} ends"
        assert list(temporary.glob("cedrina-turn-*")) == []
