"""Exports to files: killed at any line, they repeat and lose nothing."""

import json
import os
import signal
import stat
import sys
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connections

from accounts.event_types import ACCOUNT_ACTIVATED
from security_events.errors import ExportFileError
from security_events.exporters.formats import ExportFormat
from security_events.selectors.event_filters import EventFilter
from security_events.selectors.trail import START, events_after
from security_events.services import export_files
from security_events.services.event_export import ExportRequest, export
from security_events.services.recording import record

pytestmark = pytest.mark.django_db(transaction=True)
TRACED = export_files.__file__  # all that is written is written there


@pytest.fixture
def made():
    """The ids of all events in the trail, in its order: some of the test, and those that a database begins with."""
    for number in range(5):
        record(ACCOUNT_ACTIVATED, data={"note": f"number {number} «»\nسلام"})
    return [str(event.position.event_id) for event in events_after(START, limit=1000)]


def request_for(path, **details):
    return ExportRequest(**{"path": path, "export_format": ExportFormat.CEDRINA, "wanted": EventFilter(), **details})


def exported(path):
    """Return the ids in all files of an export, the oldest first."""
    rotated = sorted(each for each in path.parent.glob(f"{path.name}.0*"))
    text = b"".join(each.read_bytes() for each in (*rotated, path) if each.exists())
    assert text.endswith(b"\n")
    return [json.loads(line)["id"] for line in text.split(b"\n")[:-1]]


def test_writes_all_events_and_goes_on_with_the_next_ones(made, tmp_path):
    path = tmp_path / "events.ndjson"
    first = export(request_for(path))
    assert exported(path) == made
    assert first.events == len(made)
    assert stat.S_IMODE(path.stat().st_mode) & 0o007 == 0

    assert export(request_for(path)) == first
    more = record(ACCOUNT_ACTIVATED)
    export(request_for(path))
    assert exported(path) == [*made, str(more)]


def test_rotates_before_a_file_grows_too_large(made, tmp_path):
    path = tmp_path / "events.ndjson"
    state = export(request_for(path, rotate_at=1200, lines_at_once=1))

    files = sorted(tmp_path.glob("events.ndjson.0*"))
    assert [file.name for file in files] == [f"events.ndjson.{number:06}" for number in range(1, state.rotated + 1)]
    assert all(file.stat().st_size <= 1200 for file in files)
    assert state.rotated > 1
    assert exported(path) == made


@contextmanager
def forked(run):
    """Run a function in a copy of this process with connections of its own; yield the id of the copy."""
    child = os.fork()
    if child == 0:
        try:
            for each in connections.all():
                each.connection = None  # the parent's; libpq is told by the id of the process not to close it
            run()
        finally:
            os._exit(0)
    yield child


def killed_at_line(number, run):
    """Kill a copy of this process when it reaches the n-th line of code that writes; return whether it got there."""

    def run_traced():
        reached = 0

        def trace(frame, event, _argument):
            nonlocal reached
            if frame.f_code.co_filename != TRACED:
                return None
            if event == "line":
                reached += 1
                if reached == number:
                    os.kill(os.getpid(), signal.SIGKILL)
            return trace

        sys.settrace(trace)
        run()

    with forked(run_traced) as child:
        _pid, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


@pytest.mark.slow
def test_a_kill_at_any_line_neither_repeats_nor_loses_an_event(made, tmp_path):
    """Each copy is killed one line later, and the next one goes on with what the one before has left."""
    number = wrecks = 0
    while True:
        number += 1
        folder = tmp_path / str(number)
        folder.mkdir()
        request = request_for(folder / "events", rotate_at=1200, lines_at_once=3)
        if not killed_at_line(number, lambda request=request: export(request)):
            break
        if number % 6 == 0:  # killed a second time, while it mends what the first kill has left
            killed_at_line(1 + number % 40, lambda request=request: export(request))
        wrecks += 1
        export(request)
        assert exported(folder / "events") == made, number
    assert wrecks > 40


@pytest.mark.parametrize("torn", [b"{", b'{"id":"01', b"x" * 3_000_000])
def test_a_line_without_an_end_is_cut_off(made, tmp_path, torn):
    path = tmp_path / "events"
    export(request_for(path))
    with path.open("ab") as file:
        file.write(torn)
    more = record(ACCOUNT_ACTIVATED)

    export(request_for(path))

    assert exported(path) == [*made, str(more)]


def test_complete_lines_behind_the_cursor_stay_where_they_are(made, tmp_path):
    """An agent may have sent them already: the file never becomes shorter than its complete lines."""
    path = tmp_path / "events"
    export(request_for(path))
    whole = path.read_bytes()
    cursor = export_files.cursor_path(path)
    state = json.loads(cursor.read_text())
    lines = whole.split(b"\n")[:-1]
    first = events_after(START, limit=1)[0].position
    early = {"cursor": f"{first.transaction_id}.{first.event_id.hex}", "size": len(lines[0]) + 1, "events": 1}
    cursor.write_text(json.dumps({**state, **early}))

    assert export(request_for(path)).events == len(made)
    assert path.read_bytes() == whole


def test_a_file_that_was_moved_away_is_begun_anew(made, tmp_path):
    path = tmp_path / "events"
    export(request_for(path))
    path.rename(tmp_path / "archived")
    more = record(ACCOUNT_ACTIVATED)

    export(request_for(path))

    assert exported(path) == [str(more)]


def test_follows_until_it_is_stopped(made, tmp_path):
    path, stopped, seen = tmp_path / "events", threading.Event(), []

    def progress(state):
        seen.append(state.events)
        if len(seen) == 1:
            record(ACCOUNT_ACTIVATED)
        else:
            stopped.set()

    state = export(request_for(path), stopped=stopped, progress=progress)
    assert state.events == len(made) + 1 == len(exported(path))


def test_a_range_is_exported_alone(made, tmp_path):
    since = datetime.now(UTC) + timedelta(hours=1)
    late = record(ACCOUNT_ACTIVATED, now=since)
    export(request_for(tmp_path / "late", wanted=EventFilter(since=since)))
    export(request_for(tmp_path / "early", wanted=EventFilter(until=since)))
    assert exported(tmp_path / "late") == [str(late)]
    assert exported(tmp_path / "early") == made


def test_goes_on_with_no_file_of_another_range(made, tmp_path):
    path = tmp_path / "events"
    export(request_for(path))
    for other in ({"export_format": ExportFormat.OCSF}, {"wanted": EventFilter(since=datetime.now(UTC))}):
        with pytest.raises(ExportFileError) as caught:
            export(request_for(path, **other))
        assert caught.value.reason == "other_request"


@pytest.mark.parametrize("damage", ["cursor", "lines"])
def test_goes_on_with_nothing_that_does_not_fit_the_trail(made, tmp_path, damage):
    path = tmp_path / "events"
    export(request_for(path))
    if damage == "cursor":
        stored = json.loads(export_files.cursor_path(path).read_text())
        export_files.cursor_path(path).write_text(json.dumps({**stored, "cursor": "1"}))
    else:
        with path.open("ab") as file:
            file.write(b"forged\n")
    with pytest.raises(ExportFileError) as caught:
        export(request_for(path))
    assert caught.value.reason == "damaged"
