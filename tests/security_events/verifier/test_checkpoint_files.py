"""Checkpoints that somebody kept, in whatever way they were written."""

import json

import pytest

from security_events.verifier import NoteMalformed
from security_events.verifier.exports.checkpoint_files import read_notes
from tests.security_events.verifier.made_trail import SIZES, note

NOTES = [note(size) for size in SIZES]


@pytest.mark.parametrize(
    "text",
    [
        "".join(NOTES),
        "\n".join(NOTES) + "\n\n",
        "\n\n" + "".join(f"{each}\n" for each in NOTES),
        "".join(json.dumps({"size": 1, "note": each}) + "\n" for each in NOTES),
        "".join(json.dumps({"event": "audit_trail_sealed", "checkpoint": each}) + "\n" for each in NOTES),
        "".join(json.dumps({"type": "checkpoint", "data": {"note": each}}) + "\n" for each in NOTES) + "{broken\n[]\n",
    ],
)
def test_all_notes_of_a_file_are_read(tmp_path, text):
    path = tmp_path / "kept"
    path.write_text(text)
    kept = read_notes(path)
    assert [each.note for each in kept] == NOTES
    assert kept[0].modified_at == path.stat().st_mtime


@pytest.mark.parametrize("content", [b"", b"\n\n", b"{}\n", b"\xff\xfe"])
def test_a_file_without_notes_is_refused(tmp_path, content):
    path = tmp_path / "kept"
    path.write_bytes(content)
    with pytest.raises(NoteMalformed):
        read_notes(path)
