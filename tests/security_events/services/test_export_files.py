"""The file of an export and its cursor: what is taken up again, and what is refused."""

import json

import pytest

from security_events.errors import EXPORT_FILE_FAULTS, ExportFileError
from security_events.services.export_files import ExportFile, cursor_path, opened

REQUEST = {"format": "cedrina", "since": None, "until": None}


def open_file(path, request=REQUEST):
    return opened(path, request=request, cursor="0.0")


def refuse(path, reason, request=REQUEST):
    with pytest.raises(ExportFileError) as caught, open_file(path, request):
        pass
    assert caught.value.reason == reason
    assert str(path) in caught.value.sentence(path)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "events"


@pytest.fixture
def written(path):
    """A file with two lines."""
    with open_file(path) as file:
        file.append(b"one\ntwo\n", cursor="2.0", number=2)
    return path


def test_a_new_file_has_a_cursor_before_its_first_line(path):
    with open_file(path) as file:
        assert not path.exists()
        stored = json.loads(cursor_path(path).read_text())
    assert (stored["cursor"], stored["size"], file.unsaved_lines()) == ("0.0", 0, 0)


def test_an_opened_file_goes_on_where_it_ended(written):
    with open_file(written) as file:
        assert (file.state.cursor, file.state.size, file.state.events) == ("2.0", 8, 2)
        assert file.unsaved_lines() == 0
        file.append(b"three\n", cursor="3.0", number=1)
    assert written.read_bytes() == b"one\ntwo\nthree\n"


@pytest.mark.parametrize(
    ("left", "lines", "kept"),
    [
        (b"three\n", 1, b"three\n"),
        (b"three\nfo", 1, b"three\n"),
        (b"fo", 0, b""),
        (b"x" * 1_100_000 + b"\n" + b"y" * 1_100_000, 1, b"x" * 1_100_000 + b"\n"),
        (b"x\n" * 700_000, 700_000, b"x\n" * 700_000),
    ],
)
def test_complete_lines_behind_the_cursor_are_counted_and_others_cut_off(written, left, lines, kept):
    with written.open("ab") as output:
        output.write(left)
    with open_file(written) as file:
        assert file.unsaved_lines() == lines
    assert written.read_bytes() == b"one\ntwo\n" + kept


def test_a_rotation_that_was_interrupted_is_finished(written):
    written.rename(written.with_name("events.000001"))  # killed before the cursor was stored
    with open_file(written) as file:
        assert (file.state.rotated, file.state.size) == (1, 0)
        file.append(b"three\n", cursor="3.0", number=1, rotate_at=5)
        file.append(b"four\n", cursor="4.0", number=1, rotate_at=5)
    names = sorted(each.name for each in written.parent.glob("events*") if each.name[-1].isdigit())
    assert names == ["events.000001", "events.000002"]
    assert written.read_bytes() == b"four\n"


def test_a_checkpoint_is_written_whole(written):
    with open_file(written) as file:
        file.save_checkpoint("note\n")
        file.save_checkpoint("n\n")
    assert written.with_name("events.checkpoint").read_text() == "n\n"


class TestRefusals:
    def test_each_has_a_sentence(self):
        assert set(EXPORT_FILE_FAULTS) == {"in_use", "foreign", "other_request", "shorter", "damaged"}

    def test_of_a_file_of_somebody_else(self, path):
        path.write_text("mine")
        refuse(path, "foreign")
        assert path.read_text() == "mine"
        assert not cursor_path(path).exists()

    def test_of_another_request(self, written):
        refuse(written, "other_request", {**REQUEST, "format": "ocsf"})

    def test_of_a_file_that_was_cut(self, written):
        written.write_bytes(b"one\n")
        refuse(written, "shorter")

    @pytest.mark.parametrize("text", ["", "{}", "[]", '{"request": 1}', "null", "{", "\udc80"])
    def test_of_a_damaged_cursor(self, written, text):
        cursor_path(written).write_bytes(text.encode(errors="surrogateescape"))
        refuse(written, "damaged")

    def test_of_a_second_export_at_once(self, written):
        with open_file(written) as file:
            refuse(written, "in_use")
            assert isinstance(file, ExportFile)
