import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.process
class TestStart:
    def test_is_refused_when_an_app_refuses_its_settings(self):
        environment = {**os.environ, "TOKEN_PROFILE": "hardened", "ACCESS_TOKEN_SECONDS": "3000", "PORT": "1"}
        environment.pop("DJANGO_SETTINGS_MODULE", None)
        started = subprocess.run(
            [sys.executable, "-m", "cedrina.serving"],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

        assert started.returncode == 1
        assert "Cedrina does not start" in started.stderr
        assert "tokens.E003" in started.stderr
        assert "Traceback" not in started.stderr
