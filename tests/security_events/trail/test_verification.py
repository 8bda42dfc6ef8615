"""What the owner of the tables can do to the trail, and what verification says of it, online and on an export."""

from dataclasses import asdict

import pytest

from security_events.models import AuditKey, TrailCheckpoint
from security_events.services.trail import audit_keys, verification
from security_events.verifier import parse_note, sign_note
from security_events.verifier.exports.checkpoint_files import KeptNote
from tests.security_events.sealed import record_events
from tests.security_events.tampered import (
    CHECKPOINTS,
    COSIGNATURES,
    EVENTS,
    LEAVES,
    SUBTREES,
    WITNESS,
    WITNESS_KEY,
    change_byte,
    columns,
    cosign,
    event_at,
    owner,
    restore_to,
    rewrite_past,
    rolled_back,
    rows,
    sealed_corpus,
    sizes,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module", autouse=True)
def trail(django_db_setup, django_db_blocker):
    with sealed_corpus(django_db_blocker):
        yield


def verify(*, now, outside=(), witnesses=()):
    kept = [KeptNote(each, 0.0) for each in outside]
    return verification.verify(now=now, outside=kept, witnesses=witnesses)


def wrong(report):
    found = report.first_wrong
    return found and tuple(asdict(found).values())


class TestAnUntouchedTrail:
    def test_is_right(self, now):
        newest = TrailCheckpoint.objects.order_by("-size").first()
        report = verify(now=now, outside=[newest.note])
        assert wrong(report) is None
        assert report.checked == newest.size == sizes()[-1]
        assert (report.newest_outside, report.not_covered.pruned_below) == (newest.size, 0)

    def test_says_what_is_not_sealed_yet(self, now):
        assert verify(now=now).not_covered.unsealed == 0
        record_events(3)
        assert verify(now=now).not_covered.unsealed == 3


class TestOneByteOfAnyColumn:
    def test_of_an_event_names_it(self, now):
        index, event_id = 30, event_at(30)
        for column, kind in columns(EVENTS):
            with rolled_back():
                change_byte(EVENTS, column, kind, f"id = '{event_id}'")
                expected = "reordered" if column == "transaction_id" else "changed"
                assert wrong(verify(now=now)) == ("event", event_id, index, expected), column

    def test_of_a_leaf_names_its_event(self, now):
        index, event_id = 30, event_at(30)
        for column, kind in columns(LEAVES):
            with rolled_back():
                change_byte(LEAVES, column, kind, f"leaf_index = {index}")
                assert wrong(verify(now=now)) == ("event", event_id, index, "leaf_changed"), column

    def test_of_a_subtree_names_the_first_event_below_it(self, now):
        for column, kind in columns(SUBTREES):
            with rolled_back():
                expression = {"level": "8", "position": "position + 256"}.get(column)
                if expression:
                    owner(f"UPDATE {SUBTREES} SET {column} = {expression} WHERE level = 4 AND position = 1")
                else:
                    change_byte(SUBTREES, column, kind, "level = 4 AND position = 1")
                assert wrong(verify(now=now)) == ("event", event_at(16), 16, "subtree_changed"), column

    # What no signature covers and nothing contradicts; docs/audit-trail.md says so.
    NOT_COVERED = {CHECKPOINTS: {"created_at"}, COSIGNATURES: {"id", "created_at"}}

    def test_of_a_checkpoint_names_it(self, now):
        size = sizes()[5]
        seen = {}
        for column, kind in columns(CHECKPOINTS):
            with rolled_back():
                change_byte(CHECKPOINTS, column, kind, f"size = {size}")
                seen[column] = wrong(verify(now=now))
        assert {column for column, found in seen.items() if found is None} == self.NOT_COVERED[CHECKPOINTS]
        del seen["created_at"]
        # A row that claims another size stands elsewhere.
        assert seen.pop("size")[0] == "checkpoint"
        assert {found[:3] for found in seen.values()} == {("checkpoint", str(size), size)}
        assert seen["note"][3] == "signature_invalid"
        assert {seen[each][3] for each in ("root", "key_id", "events_from", "events_to", "transaction_id")} == {
            "row_changed"
        }

    def test_of_a_cosignature_names_its_checkpoint(self, now):
        size = sizes()[5]
        cosign(size, now)
        assert wrong(verify(now=now, witnesses=[WITNESS_KEY])) is None
        for column in ("line", "witness"):
            with rolled_back():
                place = 20 if column == "line" else 1
                owner(f"UPDATE {COSIGNATURES} SET {column} = overlay({column} placing '!' from {place})")
                found = wrong(verify(now=now, witnesses=[WITNESS_KEY]))
                assert found == ("checkpoint", str(size), size, "row_changed"), column

    def test_of_a_key_names_a_checkpoint_that_it_signed(self, now):
        first = AuditKey.objects.order_by("began_at_size").first()
        changes = {
            "name": "overlay(name placing '!' from 1)",
            "kid": "overlay(kid placing '!' from 1)",
            "public_key": "set_byte(public_key, 5, get_byte(public_key, 5) # 1)",
            "began_at_size": "began_at_size + 1",
            "ended_at_size": "ended_at_size + 1",
        }
        for column, expression in changes.items():
            with rolled_back():
                owner(
                    f"UPDATE security_events_auditkey SET {column} = {expression} WHERE kid = %s", first.pk, tables=()
                )
                assert wrong(verify(now=now))[0] == "checkpoint", column


class TestTamperedEvents:
    def test_a_deleted_one_is_named(self, now):
        event_id = event_at(30)
        owner(f"DELETE FROM {EVENTS} WHERE id = %s", event_id)
        assert wrong(verify(now=now)) == ("event", event_id, 30, "removed")

    def test_an_inserted_one_is_named(self, now):
        names = ", ".join(name for name, _ in columns(EVENTS) if name != "id")
        inserted = "00000000-0000-7000-8000-00000000abcd"
        owner(
            f"INSERT INTO {EVENTS} (id, {names}) SELECT '{inserted}', {names} FROM {EVENTS} WHERE id = %s", event_at(30)
        )
        assert wrong(verify(now=now)) == ("event", inserted, 30, "inserted")

    def test_reordered_ones_are_named(self, now):
        first, second = event_at(30), event_at(33)
        transactions = dict(rows(f"SELECT id::text, transaction_id FROM {EVENTS} WHERE id IN (%s, %s)", first, second))
        for event_id, other in ((first, second), (second, first)):
            owner(f"UPDATE {EVENTS} SET transaction_id = %s WHERE id = %s", transactions[other], event_id)
        assert wrong(verify(now=now)) == ("event", first, 30, "reordered")

    def test_a_truncated_tail_is_named(self, now):
        size = sizes()[-1]
        event_id = event_at(size - 4)
        owner(f"DELETE FROM {EVENTS} WHERE id IN (SELECT event_id FROM {LEAVES} WHERE leaf_index >= %s)", size - 4)
        assert wrong(verify(now=now)) == ("event", event_id, size - 4, "removed")

    def test_a_leaf_that_is_deleted_with_its_event_is_missed(self, now):
        event_id = event_at(30)
        owner(f"DELETE FROM {EVENTS} WHERE id = %s", event_id)
        owner(f"DELETE FROM {LEAVES} WHERE leaf_index = 30")
        kind, _, index, reason = wrong(verify(now=now))
        assert (kind, index, reason) == ("event", 30, "leaf_changed")

    def test_the_tail_of_the_leaves_is_missed(self, now):
        size = sizes()[-1]
        owner(f"DELETE FROM {EVENTS} WHERE id IN (SELECT event_id FROM {LEAVES} WHERE leaf_index >= %s)", size - 4)
        owner(f"DELETE FROM {LEAVES} WHERE leaf_index >= %s", size - 4)
        assert wrong(verify(now=now)) == ("event", None, size - 4, "removed")


class TestTamperedCheckpoints:
    def test_a_restored_old_one_leaves_leaves_without_one(self, now):
        before = sizes()[-3]
        owner(f"DELETE FROM {CHECKPOINTS} WHERE size > %s", before)
        assert wrong(verify(now=now)) == ("checkpoint", None, before, "removed")

    def test_an_old_note_under_a_new_size_is_named(self, now):
        old, new = sizes()[-3], sizes()[-1]
        note, root = rows(f"SELECT note, root FROM {CHECKPOINTS} WHERE size = %s", old)[0]
        owner(f"UPDATE {CHECKPOINTS} SET (note, root) = (%s, %s) WHERE size = %s", note, root, new)
        assert wrong(verify(now=now)) == ("checkpoint", str(new), new, "row_changed")

    def test_one_forged_with_a_retired_key_is_named(self, now):
        size = sizes()[-1]
        retired = AuditKey.objects.get(retired_at__isnull=False)
        note = parse_note(rows(f"SELECT note FROM {CHECKPOINTS} WHERE size = %s", size)[0][0])
        forged = sign_note(note.text, retired.name, audit_keys.private_half(retired))
        owner(f"UPDATE {CHECKPOINTS} SET note = %s, key_id = %s WHERE size = %s", forged, retired.pk, size)
        assert wrong(verify(now=now)) == ("checkpoint", str(size), size, "key_retired")
        # As the auditor's keys say, too, whatever the database says of them.
        trusted = verification.stored_trusted_keys()
        AuditKey.objects.filter(pk=retired.pk).update(ended_at_size=10_000)
        assert verification.verify(now=now, keys=trusted).first_wrong.reason == "key_retired"

    def test_one_by_a_foreign_key_is_named(self, now):
        size = sizes()[-1]
        note = parse_note(rows(f"SELECT note FROM {CHECKPOINTS} WHERE size = %s", size)[0][0])
        forged = sign_note(note.text, AuditKey.objects.first().name, WITNESS)
        owner(f"UPDATE {CHECKPOINTS} SET note = %s WHERE size = %s", forged, size)
        assert wrong(verify(now=now)) == ("checkpoint", str(size), size, "key_unknown")


class TestWhatOnlyAnOutsideCopyShows:
    def test_a_past_that_was_rewritten_with_the_keys(self, now):
        outside = [rows(f"SELECT note FROM {CHECKPOINTS} WHERE size = %s", size)[0][0] for size in sizes()]
        rewrite_past(30)

        report = verify(now=now)
        assert report.ok
        assert report.not_covered.newest_outside_checkpoint_age is None
        assert "could have rewritten everything" in "\n".join(report.lines())

        first = next(size for size in sizes() if size > 30)
        assert wrong(verify(now=now, outside=outside)) == ("checkpoint", str(first), first, "fork")

    def test_or_the_signature_of_a_witness(self, now):
        size = sizes()[-1]
        cosign(size, now)
        assert verify(now=now, witnesses=[WITNESS_KEY]).not_covered.newest_outside_checkpoint_age == 0
        rewrite_past(30)
        assert wrong(verify(now=now, witnesses=[WITNESS_KEY])) == ("checkpoint", str(size), size, "row_changed")

    def test_a_database_of_yesterday(self, now):
        newest = sizes()[-1]
        outside = rows(f"SELECT note FROM {CHECKPOINTS} WHERE size = %s", newest)[0][0]
        ids = [event_at(each) for each in range(sizes()[-3], newest)]
        restore_to(sizes()[-3])

        # All events are there, but the trail does not know them any more.
        report = verify(now=now)
        assert report.ok
        assert report.not_covered.unsealed == len(ids)
        assert wrong(verify(now=now, outside=[outside])) == ("checkpoint", str(newest), newest, "rollback")

        owner(f"DELETE FROM {EVENTS} WHERE id = ANY(%s::uuid[])", ids)
        assert verify(now=now).ok
        assert wrong(verify(now=now, outside=[outside])) == ("checkpoint", str(newest), newest, "rollback")
