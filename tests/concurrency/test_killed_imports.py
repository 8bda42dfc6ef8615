"""An import that is killed twice loses no user and imports none twice: the benchmark, at a smaller size."""

import json
import os
import subprocess
import sys

import pytest

from tests.programs.served import ROOT

pytestmark = [pytest.mark.process, pytest.mark.timeout(600)]
ROWS = 20_000


class TestAnImport:
    def test_that_is_killed_twice_takes_everybody_once(self):
        done = subprocess.run(
            [sys.executable, "benchmarks/imports.py", "--rows", str(ROWS), "--kills", "2"],
            cwd=ROOT,
            env=os.environ,
            capture_output=True,
            text=True,
            check=False,
        )

        assert done.returncode == 0, done.stdout + done.stderr
        result = json.loads(done.stdout)
        assert result["wrong"] == {}
        assert result["last_run"]["imported"] == ROWS
        # The second kill left something to do, and something done.
        assert ROWS > result["last_run"]["resumed_after_line"] > result["killed_after_line"][0] > 0
