"""A log file that can't be written any more."""

import contextlib
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cedrina.operations.log_file import LogFileHandler
from cedrina.operations.logging import configure
from cedrina.settings.environment import ConfigurationError

ROOT = Path(__file__).resolve().parents[3]


def record(text, *, created=1000.0):
    made = logging.LogRecord("ours", logging.INFO, "", 0, text, None, None)
    made.created = created
    return made


class TestLogFileHandler:
    def test_opens_a_renamed_file_again(self, tmp_path):
        path = tmp_path / "log"
        handler = LogFileHandler(path)
        handler.emit(record("one"))
        path.rename(tmp_path / "log.1")
        handler.emit(record("two"))
        handler.close()
        assert path.read_text() == "two\n"

    def test_goes_on_at_stderr_when_its_folder_is_gone(self, tmp_path, capsys):
        folder = tmp_path / "logs"
        folder.mkdir()
        handler = LogFileHandler(folder / "log")
        (folder / "log").unlink()
        folder.rmdir()
        for seconds in (0, 30, 61):
            handler.emit(record(f"line {seconds}", created=1000.0 + seconds))
        warning = "LOG_FILE can't be written: No such file or directory. Lines go here until it can be."
        assert capsys.readouterr().err.splitlines() == [warning, "line 0", "line 30", warning, "line 61"]
        folder.mkdir()
        handler.emit(record("back"))
        handler.close()
        assert (folder / "log").read_text() == "back\n"

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
    def test_goes_on_at_stderr_when_the_disk_is_full(self, capsys):
        handler = LogFileHandler("/dev/full")
        handler.emit(record("kept"))
        with contextlib.suppress(OSError):
            handler.close()
        shown = capsys.readouterr().err
        assert "LOG_FILE can't be written: No space left on device." in shown
        assert "kept\n" in shown
        assert "Traceback" not in shown


class TestConfigure:
    @pytest.mark.parametrize("path", ["/nowhere/at/all.log", "/"])
    def test_refuses_a_file_that_cannot_be_written(self, path):
        with pytest.raises(ConfigurationError) as stopped:
            configure({"FORMAT": "json", "LEVEL": "INFO", "FILE": path})
        [sentence] = stopped.value.sentences
        assert sentence.startswith(f"LOG_FILE can't be written: {path}: ")

    @pytest.mark.process
    def test_ends_a_command_with_the_sentence(self):
        environment = {"PATH": os.environ["PATH"], "LOG_FILE": "/nowhere/at/all.log"}
        done = subprocess.run(
            [sys.executable, "manage.py", "check"],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 1
        assert "LOG_FILE can't be written: /nowhere/at/all.log: No such file or directory. Name another" in done.stderr
        assert "Traceback" not in done.stderr
