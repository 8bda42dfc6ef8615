"""The command that exports events to a file, and the checkpoint beside it."""

import io
import json
import os
import signal
import threading
from datetime import UTC, datetime

import pytest
from django.core.management import CommandError, call_command

from accounts.event_types import ACCOUNT_ACTIVATED
from security_events.event_form import canonical_bytes
from security_events.models import TRAIL_TABLES
from security_events.selectors.sealing.checkpoints import newest_checkpoint, verification_keys
from security_events.selectors.trail import START, events_after
from security_events.services.recording import record
from security_events.services.trail import sealing
from security_events.verifier import leaf_hash, open_checkpoint, tree_root
from tests.security_events.sealed import as_owner

pytestmark = pytest.mark.django_db(transaction=True)
NAME = "export_security_events"


def run(*arguments):
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command(NAME, *map(str, arguments), stdout=out, stderr=err)
    except SystemExit as left:
        return left.code, out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()


def test_reports_what_it_wrote(tmp_path):
    record(ACCOUNT_ACTIVATED)
    record(ACCOUNT_ACTIVATED)
    path = tmp_path / "events.log"
    total = len(events_after(START, limit=1000))

    code, out, _err = run("--output", path, "--format", "ocsf", "--json")
    report = json.loads(out)
    assert (code, report["result"], report["events"], report["format"]) == (0, "exported", total, "ocsf")
    assert len(path.read_bytes().splitlines()) == total

    code, out, _err = run("--output", path, "--format", "ocsf")
    assert (code, out) == (0, f"{total} events are in {path} and the files rotated from it.\n")


@pytest.fixture
def _unsealed_afterwards():
    """Leave no sealed event behind: the tables of the trail are not emptied between tests."""
    yield
    with as_owner(*TRAIL_TABLES) as cursor:
        for table in reversed(TRAIL_TABLES):
            cursor.execute(f"DELETE FROM {table}")
        cursor.execute("DELETE FROM security_events_auditkey")


@pytest.mark.usefixtures("_unsealed_afterwards")
def test_the_checkpoint_verifies_the_file_without_the_database(tmp_path):
    for _ in range(3):
        record(ACCOUNT_ACTIVATED)
    sealing.seal_batch(now=datetime.now(UTC))
    record(ACCOUNT_ACTIVATED)  # not sealed yet, and exported
    path = tmp_path / "events.ndjson"

    assert run("--output", path, "--checkpoint", "--json")[0] == 0

    note = (tmp_path / "events.ndjson.checkpoint").read_text()
    sealed = open_checkpoint(note, verification_keys(size=newest_checkpoint().size))
    lines = path.read_bytes().splitlines()
    assert 0 < sealed.size < len(lines)
    assert tree_root([leaf_hash(line) for line in lines[: sealed.size]]) == sealed.root
    assert lines == [canonical_bytes(event.form) for event in events_after(START, limit=1000)]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--until", "2026-01-02T00:00:00Z", "--follow"],
        ["--since", "2026-01-02T00:00:00Z", "--until", "2026-01-01T00:00:00Z"],
        ["--checkpoint", "--format", "ecs"],
        ["--checkpoint", "--since", "2026-01-02"],
    ],
)
def test_refuses_options_that_contradict_each_other(tmp_path, arguments):
    code, out, _err = run("--output", tmp_path / "events", *arguments, "--json")
    assert (code, json.loads(out)["error"]["code"]) == (2, "usage")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["--since", "yesterday"],
        ["--since", "0001-01-01T00:00:00+14:00"],
        ["--until", "9999-01-01"],
        ["--format", "xml"],
        *(["--rotate-megabytes", size] for size in ("0", "1.5", "-1", "9" * 30, "x")),
    ],
)
def test_refuses_values_that_can_not_be(tmp_path, arguments):
    with pytest.raises(CommandError):
        call_command(NAME, "--output", str(tmp_path / "events"), *arguments)


def test_says_what_to_do_about_a_file_that_it_can_not_write(tmp_path):
    (tmp_path / "notes").write_text("mine")
    code, out, err = run("--output", tmp_path / "notes")
    assert (code, out) == (1, "")
    assert "Give another --output." in err

    code, out, err = run("--output", tmp_path / "missing" / "events")
    assert code == 1
    assert "No such file or directory" in err


@pytest.fixture
def signals_as_before():
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, action in before.items():
        signal.signal(number, action)


@pytest.mark.usefixtures("signals_as_before")
def test_follows_until_a_signal_ends_it(tmp_path):
    record(ACCOUNT_ACTIVATED)
    path = tmp_path / "events"

    def stop():
        while not path.exists():
            waiting.wait(0.01)
        os.kill(os.getpid(), signal.SIGTERM)

    waiting = threading.Event()
    thread = threading.Thread(target=stop, daemon=True)
    thread.start()
    code, out, _err = run("--output", path, "--follow", "--json")
    thread.join()
    assert code == 0
    assert json.loads(out)["events"] == len(path.read_bytes().splitlines()) > 0
