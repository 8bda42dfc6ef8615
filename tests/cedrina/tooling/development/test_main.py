"""`make run` on a machine where it can't keep its data."""

import subprocess
import sys

import pytest

from tests.programs import served
from tests.programs.ports import free_port


@pytest.mark.process
def test_says_why_it_cannot_write_its_data(tmp_path):
    (tmp_path / "file").write_text("")
    data = tmp_path / "file" / "data"
    done = subprocess.run(
        [sys.executable, "-m", "cedrina.tooling.development"],
        cwd=served.ROOT,
        env=served.environment(CEDRINA_DATA_DIR=str(data), PORT=str(free_port())),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    sentence = f"make run: {data}: Not a directory. Correct this, or name another CEDRINA_DATA_DIR."
    assert (done.returncode, done.stderr.strip()) == (1, sentence)
