"""What was done to an export is named: the first wrong event or checkpoint, and how it is wrong."""

import json
from dataclasses import asdict

import pytest

from security_events.verifier import tree_root
from security_events.verifier.exports.tree_files import TreeLine
from security_events.verifier.exports.verification import companion
from tests.security_events.verifier import made_trail
from tests.security_events.verifier.made_trail import (
    EVENTS,
    KEYS,
    LEAVES,
    SIZES,
    TRUSTED,
    Export,
    event,
    event_id,
    leaf_hash,
    note,
)


@pytest.fixture
def export(tmp_path):
    return Export(tmp_path / "events.ndjson")


def wrong(report):
    found = asdict(report.first_wrong)
    return found.pop("kind"), *found.values()


class TestAnUntouchedExport:
    def test_is_right(self, export):
        report = export.verify(outside=[note(30)])
        assert report.ok, report.first_wrong
        assert (report.checked, report.newest_outside) == (40, 30)

    def test_is_right_without_a_tree_file(self, export):
        export.write()
        companion(export.path, "tree").unlink()
        assert export.verify_written().checked == 40

    def test_is_right_in_another_spelling_of_json(self, export):
        export.events = [json.dumps(json.loads(each), indent=None).encode() for each in EVENTS]
        assert export.verify().ok

    def test_says_what_no_checkpoint_covers(self, export):
        export.notes = export.notes[:-1]
        report = export.verify()
        assert report.ok
        assert (report.checked, report.not_covered.unsealed) == (30, 10)

    def test_may_begin_and_end_in_the_middle(self, export):
        """As after a retention run: of the first 16 events one hash remains, of the next ones their leaves."""
        head = [TreeLine(4, 0, tree_root(LEAVES[:16])), *(each._replace(event_id=None) for each in export.tree[16:20])]
        tail = [each._replace(event_id=None) for each in export.tree[35:]]
        export.tree, export.events = [*head, *export.tree[20:35], *tail], EVENTS[20:35]
        report = export.verify()
        assert report.ok
        assert report.not_covered.pruned_below == 20
        assert (report.checked, report.not_covered.not_exported) == (15, 5)

    def test_says_how_many_events_it_leaves_out(self, export):
        """A hash alone does not tell whether retention has deleted the event, or somebody else has."""
        del export.events[9]
        export.tree[9] = export.tree[9]._replace(event_id=None)
        report = export.verify()
        assert report.ok
        assert report.as_json()["not_covered"]["not_exported"] == 1
        assert "1 sealed events that the export leaves out" in "\n".join(report.lines())


def change(export):
    export.events[9] = event(9, outcome="failure")


def change_and_name_otherwise(export):
    export.events[9] = event(99)


def break_line(export):
    export.events[9] = EVENTS[9][:-1]


def repeat_member(export):
    export.events[9] = EVENTS[9].replace(b'{"actor_id"', b'{"risk_score":0,"actor_id"')


def remove(export):
    del export.events[9]


def remove_last(export):
    del export.events[-1]


def truncate(export):
    del export.events[25:]


def insert(export):
    export.events.insert(9, event(99))


def repeat(export):
    export.events.insert(9, EVENTS[3])


def swap(export):
    export.events[9], export.events[12] = export.events[12], export.events[9]


def move_to_the_end(export):
    export.events.append(export.events.pop(9))


def change_leaf(export):
    export.tree[9] = export.tree[9]._replace(hash=LEAVES[0])


def change_event_and_leaf(export):
    export.events[9] = event(9, outcome="failure")
    export.tree[9] = export.tree[9]._replace(hash=leaf_hash(export.events[9]))


def change_checkpoint(export):
    export.notes[1] = export.notes[1].replace("\n16\n", "\n15\n")


def restore_old_checkpoint(export):
    """Put an old root under a new size: what a checkpoint would say if the log had not grown."""
    export.notes[3] = export.notes[2].replace("\n17\n", "\n30\n")


def forge_with_retired_key(export):
    export.notes[3] = note(30, key=0)


def forge_with_later_key(export):
    export.notes[0] = note(7, key=1)


def forge_with_own_key(export):
    export.notes[3] = note(30).replace("trail.example ", "other.example ")


def sign_another_root(export):
    export.notes[3] = note(30, leaves=LEAVES[::-1])


CORPUS = {
    change: ("event", event_id(9), 9, "changed"),
    change_and_name_otherwise: ("event", event_id(9), 9, "changed"),
    break_line: ("event", event_id(9), 9, "changed"),
    repeat_member: ("event", event_id(9), 9, "changed"),
    remove: ("event", event_id(9), 9, "removed"),
    remove_last: ("event", event_id(39), 39, "removed"),
    truncate: ("event", event_id(25), 25, "removed"),
    insert: ("event", event_id(99), 9, "inserted"),
    repeat: ("event", event_id(3), 9, "inserted"),
    swap: ("event", event_id(9), 9, "reordered"),
    move_to_the_end: ("event", event_id(9), 9, "reordered"),
    change_leaf: ("event", event_id(9), 9, "leaf_changed"),
    change_event_and_leaf: ("checkpoint", "16", 16, "wrong_root"),
    change_checkpoint: ("checkpoint", "15", 15, "signature_invalid"),
    restore_old_checkpoint: ("checkpoint", "30", 30, "signature_invalid"),
    forge_with_retired_key: ("checkpoint", "30", 30, "key_retired"),
    forge_with_later_key: ("checkpoint", "7", 7, "key_retired"),
    forge_with_own_key: ("checkpoint", "30", 30, "key_unknown"),
    sign_another_root: ("checkpoint", "30", 30, "wrong_root"),
}


class TestATamperedExport:
    @pytest.mark.parametrize(("tamper", "expected"), CORPUS.items(), ids=lambda each: getattr(each, "__name__", ""))
    def test_is_named(self, export, tamper, expected):
        tamper(export)
        assert wrong(export.verify()) == expected

    @pytest.mark.parametrize("position", range(0, len(EVENTS[9]), 7))
    def test_is_named_for_any_byte(self, export, position):
        line = bytearray(EVENTS[9])
        line[position] ^= 1
        export.events[9] = bytes(line)
        assert wrong(export.verify())[2:] == (9, "changed")

    def test_is_refused_without_a_tree_file(self, export):
        """Then the checkpoint behind the wrong event is named."""
        for tamper, expected in ((change, 16), (remove, 16), (insert, 16), (swap, 16), (truncate, 30)):
            altered = Export(export.path)
            tamper(altered)
            altered.write()
            companion(export.path, "tree").unlink()
            kind, _, size, reason = wrong(altered.verify_written())
            assert (kind, size, reason) == ("checkpoint", expected, "wrong_root"), tamper.__name__


class TestACheckpointFromOutside:
    REWRITTEN = [*EVENTS[:9], event(9, outcome="failure"), *EVENTS[10:]]

    def rewrite(self, export):
        """Do what the owner of the machine can do who also has the key."""
        leaves = [leaf_hash(each) for each in self.REWRITTEN]
        export.events = list(self.REWRITTEN)
        export.tree = [TreeLine(0, at, leaf, event_id(at)) for at, leaf in enumerate(leaves)]
        export.notes = [note(size, leaves=leaves) for size in SIZES]

    def test_is_all_that_shows_a_past_rewritten_with_the_key(self, export):
        self.rewrite(export)
        report = export.verify()
        assert report.ok
        assert report.not_covered.newest_outside_checkpoint_age is None
        assert "Keep checkpoints elsewhere" in "\n".join(report.lines())

        assert wrong(export.verify(outside=[note(16), note(40)])) == ("checkpoint", "16", 16, "fork")

    def test_shows_that_an_older_state_was_restored(self, export):
        export.events, export.tree, export.notes = EVENTS[:30], export.tree[:30], export.notes[:4]
        assert export.verify(outside=[note(30)]).ok
        assert wrong(export.verify(outside=[note(40)])) == ("checkpoint", "40", 40, "rollback")

    def test_has_to_be_signed_as_any_other(self, export):
        forged = made_trail.sign_note(f"{made_trail.ORIGIN}\n40\n{'A' * 43}=\n", "other.example", made_trail.PRIVATE[0])
        assert wrong(export.verify(outside=[forged])) == ("checkpoint", "40", 40, "key_unknown")
        assert export.verify(keys=TRUSTED[1:]).first_wrong.reason == "key_unknown"
        assert export.verify(keys=[made_trail.TrustedKey(each) for each in KEYS]).ok
