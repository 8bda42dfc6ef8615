"""The numbers of processes: no two living ones have the same, and a dead one's is used again."""

import os
import signal

import pytest

from cedrina.monitoring.figures_folder import FiguresFolder
from cedrina.monitoring.process_numbers import ProcessNumbers

pytestmark = pytest.mark.process


class Child:
    """A forked process that takes a number in a folder, says which, and lives until it is ended."""

    def __init__(self, folder, work):
        reading, writing = os.pipe()
        waiting, self._end = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._end)
            try:
                os.write(writing, f"{work(folder)}\n".encode())
                os.read(waiting, 1)
            finally:
                os._exit(0)
        os.close(writing)
        os.close(waiting)
        self.answer = os.read(reading, 100).decode().strip()
        os.close(reading)

    def kill(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self._end)


def take_number(folder):
    return ProcessNumbers(folder).claim()


def begin(folder):
    made = FiguresFolder(folder)
    made.begin()
    return made.own_number()


class TestClaim:
    def test_gives_each_living_process_its_own_and_a_killed_ones_to_the_next(self, tmp_path):
        first, second = Child(tmp_path, take_number), Child(tmp_path, take_number)
        try:
            assert (first.answer, second.answer) == ("0", "1")
            assert ProcessNumbers(tmp_path).living(range(4)) == {0, 1}
        finally:
            first.kill()
        third = Child(tmp_path, take_number)
        third.kill()
        second.kill()
        assert third.answer == "0"
        assert ProcessNumbers(tmp_path).living(range(4)) == set()

    def test_gives_a_forked_process_another_one_than_its_parent(self, tmp_path):
        own = ProcessNumbers(tmp_path)
        own.claim()
        child = Child(tmp_path, lambda _folder: own.claim())
        child.kill()
        assert (own.own, child.answer) == (0, "1")


class TestBegin:
    def test_keeps_the_files_while_a_process_lives_and_empties_the_folder_when_none_does(self, tmp_path):
        folder = tmp_path / "figures"
        first = Child(folder, begin)
        left = folder / "counter_7.db"
        left.write_bytes(bytes(8))
        second = Child(folder, begin)
        assert (first.answer, second.answer, left.exists()) == ("0", "1", True)
        first.kill()
        second.kill()
        third = Child(folder, begin)
        third.kill()
        assert third.answer == "0"
        assert sorted(path.name for path in folder.iterdir()) == [
            "counter_0.db",
            "gauge_livesum_0.db",
            "histogram_0.db",
            "processes.lock",
        ]

    def test_lets_nobody_else_read_the_folder(self, tmp_path):
        Child(tmp_path / "figures", begin).kill()
        assert (tmp_path / "figures").stat().st_mode & 0o077 == 0

    def test_refuses_a_folder_behind_a_link(self, tmp_path):
        (tmp_path / "real").mkdir()
        (tmp_path / "link").symlink_to(tmp_path / "real")
        with pytest.raises(PermissionError):
            FiguresFolder(tmp_path / "link")
        assert list((tmp_path / "real").iterdir()) == []

    def test_leaves_gauges_of_dead_processes_out(self, tmp_path):
        dead, living = Child(tmp_path, begin), Child(tmp_path, begin)
        dead.kill()
        try:
            names = {path.rpartition("/")[2] for path in FiguresFolder(tmp_path).readable()}
        finally:
            living.kill()
        assert names == {
            "counter_0.db",
            "histogram_0.db",
            "counter_1.db",
            "histogram_1.db",
            "gauge_livesum_1.db",
        }
