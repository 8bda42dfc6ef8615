"""Appending to a file, killed at each byte: nothing is lost, nothing is there twice."""

import os
import resource
import signal
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from security_events.sinks import append_file
from security_events.sinks.append_file import FileUnusable, WrittenRecords, written_at_end

RECORDS = [b'{"id":"%d","text":"%b"}\n' % (number, 'سلام ]"\\'.encode() * number) for number in range(1, 5)]
NOTES = [b"example.com/audit\n%d\nroot%d=\n\n\xe2\x80\x94 example.com/audit c2lnbg==\n\n" % (n, n) for n in range(3)]


def append_and_be_killed(path, records, *, after):
    """Append in a child that the kernel kills by SIGXFSZ once the file would grow beyond so many bytes."""
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (after, after))
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # the interpreter ignores it
        append_file.append(str(path), records)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


class TestAppend:
    @pytest.mark.parametrize("records", [RECORDS, NOTES])
    def test_is_repeated_after_a_kill_at_any_byte(self, tmp_path, records):
        first, batch = records[:1], records[1:]
        whole = b"".join(records)
        for after in range(len(first[0]), len(whole), 7):
            path = tmp_path / f"{after}"
            append_file.append(str(path), first)

            assert append_and_be_killed(path, batch, after=after)
            assert path.stat().st_size == after
            append_file.append(str(path), batch)

            assert path.read_bytes() == whole

    def test_does_not_repeat_a_batch_that_was_stored_but_not_remembered(self, tmp_path):
        path = tmp_path / "events"
        append_file.append(str(path), RECORDS)

        for batch in (RECORDS, RECORDS[1:3], RECORDS[3:]):
            append_file.append(str(path), batch)

        assert path.read_bytes() == b"".join(RECORDS)

    def test_goes_on_in_a_new_file_after_a_rotation(self, tmp_path):
        path = tmp_path / "events"
        end = append_file.append(str(path), RECORDS[:2])
        path.rename(tmp_path / "events.1")

        append_file.append(str(path), RECORDS[2:], last_end=end)

        assert path.read_bytes() == b"".join(RECORDS[2:])
        assert (tmp_path / "events.1").read_bytes() == b"".join(RECORDS[:2])

    def test_finds_in_the_rotated_file_what_a_killed_process_wrote(self, tmp_path):
        path = tmp_path / "events"
        append_and_be_killed(path, RECORDS, after=sum(map(len, RECORDS[:2])) + 5)
        path.rename(tmp_path / "events-20260301")

        append_file.append(str(path), RECORDS)

        assert path.read_bytes() == b"".join(RECORDS[2:])

    def test_ends_a_line_that_is_not_its_own(self, tmp_path):
        path = tmp_path / "events"
        path.write_bytes(b"half a line\0\0\0")

        append_file.append(str(path), RECORDS[:1])

        assert path.read_bytes() == b"half a line\0\0\0\n" + RECORDS[0]

    def test_leaves_the_file_as_it_was_on_a_full_disk(self, tmp_path):
        path = tmp_path / "events"
        append_file.append(str(path), RECORDS[:1])
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(RECORDS[0]) + 10, limits[1]))
        try:
            with pytest.raises(FileUnusable, match="File too large"):
                append_file.append(str(path), RECORDS[1:])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)

        assert path.read_bytes() == RECORDS[0]

    def test_makes_a_file_for_its_owner_alone_and_leaves_a_mode_that_was_set(self, tmp_path):
        path = tmp_path / "events"
        append_file.append(str(path), RECORDS[:1])
        made = stat.S_IMODE(path.stat().st_mode)
        path.chmod(0o640)
        append_file.append(str(path), RECORDS[1:])

        assert (made, stat.S_IMODE(path.stat().st_mode)) == (0o600, 0o640)

    @pytest.mark.attack("CWE-59, CWE-367")
    def test_follows_no_link_and_waits_for_no_pipe(self, tmp_path):
        (tmp_path / "secret").write_bytes(b"kept\n")
        (tmp_path / "link").symlink_to(tmp_path / "secret")
        os.mkfifo(tmp_path / "pipe")

        for name in ("link", "pipe", "missing/events", "."):
            with pytest.raises(FileUnusable):
                append_file.append(str(tmp_path / name), RECORDS)

        assert (tmp_path / "secret").read_bytes() == b"kept\n"

    def test_lets_two_writers_not_mix(self, tmp_path):
        path = tmp_path / "events"
        with append_file._opened(str(path)), pytest.raises(FileUnusable, match="Another process"):
            append_file.append(str(path), RECORDS)


class TestWrittenAtEnd:
    @given(st.lists(st.integers(1, 60), min_size=1, max_size=6), st.data())
    def test_is_what_was_written(self, lengths, data):
        records = [b'{"id":%d,"text":"%b"}\n' % (n, b"x" * length) for n, length in enumerate(lengths)]
        before = b'{"id":99,"text":"before"}\n' * data.draw(st.integers(0, 3))
        cut = data.draw(st.integers(0, sum(map(len, records))))

        found = written_at_end(before + b"".join(records)[:cut], records)

        assert sum(map(len, records[: found.records])) + found.cut_bytes == cut
        assert written_at_end(before, records) == WrittenRecords()
