"""Sealing on the real database: what is sealed, in which order, and what is refused to be signed."""

import threading
from base64 import b64encode

import pytest
from django.db import DatabaseError, connection, connections, transaction
from structlog.testing import capture_logs

from accounts.event_types import LOGIN_SUCCEEDED
from security_events.errors import AuditKeyMissing, AuditOriginInvalid, EncryptionKeyMissing, TrailDamaged
from security_events.models import TRAIL_TABLES, AuditKey, CheckpointCosignature, SecurityEvent, TrailCheckpoint
from security_events.selectors.sealing.checkpoints import verification_keys
from security_events.services.recording import record
from security_events.services.trail import audit_keys, sealing
from security_events.verifier import (
    Checkpoint,
    SignerUnknown,
    checkpoint_body,
    open_checkpoint,
    sign_note,
    tree_root,
)
from tests.security_events.sealed import as_owner, committed_leaves, record_events, stored_leaves
from tokens.services import reencryption

pytestmark = pytest.mark.django_db(transaction=True)
CHECKPOINTS = "security_events_trail_checkpoint"
COPIED = """
INSERT INTO security_events_event
SELECT security_events_uuid7(), occurred_at, type, category, severity, outcome, actor_id, actor_name, actor_pseudonym,
       target_id, target_name, session_id, family_id, correlation_id, ip_address, user_agent, risk_score,
       risk_reasons, {}
FROM security_events_event
"""


class TestSeal:
    def test_seals_all_that_is_committed_in_the_order_of_the_trail(self, now):
        ids = record_events(40)
        with transaction.atomic():
            ids += [record(LOGIN_SUCCEEDED), record(LOGIN_SUCCEEDED)]
        with capture_logs() as lines:
            sealed = sealing.seal(now=now)

        leaves = stored_leaves()
        newest = sealed.checkpoint
        assert [each for each in leaves if each in set(ids)] == [*ids[:40], *sorted(ids[40:])]
        assert sealed.events == newest.size == len(leaves)
        assert leaves.items() <= committed_leaves().items()
        assert (newest.created_at, newest.events_to) == (now, list(leaves)[-1])
        signed = open_checkpoint(newest.note, verification_keys(size=newest.size))
        assert signed == Checkpoint("127.0.0.1:8000", newest.size, tree_root(leaves.values()))
        assert bytes(newest.root) == signed.root
        (line,) = [line for line in lines if line["event"] == "audit_trail_sealed"]
        assert line["checkpoint"] == newest.note

    def test_goes_on_where_it_ended_in_batches_of_any_size(self, now):
        record_events(50)
        for size in (1, 2, 17, 3):
            assert sealing.seal_batch(now=now, limit=size).events == size
        record_events(3)
        sealing.seal(now=now)

        leaves = stored_leaves()
        assert list(leaves.items()) == list(committed_leaves().items())[: len(leaves)]
        rows = list(TrailCheckpoint.objects.order_by("size"))
        assert [row.size for row in rows][:4] == [1, 3, 20, 23]
        for row in rows:
            assert bytes(row.root) == tree_root(list(leaves.values())[: row.size])
        assert [row.events_from for row in rows[1:]] == [list(leaves)[row.size] for row in rows[:-1]]

    def test_writes_nothing_where_there_is_nothing_new(self, now):
        record_events(1)
        sealing.seal(now=now)  # the event of the new key is sealed by the next one
        sealing.seal(now=now)

        assert sealing.seal(now=now).events == 0
        assert TrailCheckpoint.objects.count() == 2

    def test_begins_with_events_from_before_the_order_was_kept(self, now):
        (newer,) = record_events(1)
        with connection.cursor() as cursor:
            cursor.execute(COPIED.format("data, 0") + "WHERE id = %s RETURNING id", [newer])
            (older,) = cursor.fetchone()
        sealing.seal(now=now)

        assert next(iter(stored_leaves())) == older

    def test_is_not_stopped_by_an_event_that_python_can_hardly_read(self, now):
        record_events(1)
        with connection.cursor() as cursor:
            cursor.execute(COPIED.format("('[' || repeat('9', 5000) || ']')::jsonb") + "LIMIT 1")
        sealing.seal(now=now)

        assert len(stored_leaves()) == SecurityEvent.objects.count() - 1  # the event of the new key comes next

    @pytest.mark.parametrize(
        ("changed", "error"),
        [({"FIELD_ENCRYPTION_KEYS": ()}, EncryptionKeyMissing), ({"AUDIT_ORIGIN": "two words"}, AuditOriginInvalid)],
    )
    def test_says_what_is_missing(self, settings, now, changed, error):
        settings.SECURITY_EVENTS = {**settings.SECURITY_EVENTS, **changed}
        record_events(1)

        with pytest.raises(error):
            sealing.seal(now=now)
        assert stored_leaves() == {}


class TestWriters:
    def test_do_not_wait_for_a_sealer_nor_does_it_wait_for_them(self, now):
        """A writer whose transaction is open holds back what came after it, and only for as long."""
        recorded, may_end = threading.Event(), threading.Event()

        def write_slowly():
            with transaction.atomic():
                record(LOGIN_SUCCEEDED)
                recorded.set()
                may_end.wait(120)
            connections.close_all()

        record_events(1)
        sealing.seal(now=now)  # it makes the key, whose event is as old as the clock of the test
        sealing.seal(now=now)
        first = record_events(3)
        thread = threading.Thread(target=write_slowly)
        thread.start()
        assert recorded.wait(120)
        (late,) = record_events(1)
        sealing.seal(now=now)
        waiting = SecurityEvent.objects.get(pk=late).occurred_at + sealing.HELD_BACK_AFTER
        with capture_logs() as lines:
            sealing.report_held_back(now=waiting - sealing.HELD_BACK_AFTER)
            sealing.report_held_back(now=waiting)
        meanwhile = stored_leaves()
        may_end.set()
        thread.join()
        sealing.seal(now=now)

        assert set(first) <= meanwhile.keys()
        assert late not in meanwhile
        assert late in stored_leaves()
        (line,) = lines
        assert (line["event"], line["log_level"]) == ("audit_trail_held_back", "warning")
        assert line["transaction"].startswith("process ")

    def test_write_while_another_process_seals(self, now):
        with transaction.atomic():
            audit_keys.lock_trail()
            thread = threading.Thread(target=lambda: (record_events(1), connections.close_all()))
            thread.start()
            thread.join(20)
            assert not thread.is_alive()


class TestDamage:
    """A sealer compares what is stored with what was signed, so no row that was changed gets into a signed root."""

    @pytest.fixture(autouse=True)
    def _sealed(self, now):
        record_events(33)
        while sealing.seal_batch(now=now, limit=20).events:
            pass
        record_events(1)

    @pytest.mark.parametrize(
        ("table", "change"),
        [
            ("leaf", "UPDATE {} SET hash = sha256('x') WHERE leaf_index = (SELECT max(leaf_index) FROM {})"),
            ("leaf", "DELETE FROM {} WHERE leaf_index = (SELECT max(leaf_index) FROM {})"),
            ("subtree", "UPDATE {} SET hash = sha256('x') WHERE position = 1"),
            ("subtree", "DELETE FROM {}"),
            ("checkpoint", "UPDATE {} SET root = sha256('x')"),
            ("checkpoint", "UPDATE {} SET note = replace(note, '127.0.0.1:8000', 'id.example.org')"),
            ("checkpoint", "UPDATE {} SET note = 'nothing'"),
            ("checkpoint", "DELETE FROM {} WHERE size = (SELECT max(size) FROM {})"),
        ],
    )
    def test_stops_the_sealer(self, now, table, change):
        name = f"security_events_trail_{table}"
        with as_owner(name) as cursor:
            cursor.execute(change.replace("{}", name))
        before = list(TrailCheckpoint.objects.values_list("note", flat=True))

        with pytest.raises(TrailDamaged):
            sealing.seal(now=now)
        assert list(TrailCheckpoint.objects.values_list("note", flat=True)) == before

    def test_by_a_checkpoint_of_a_retired_key_stops_the_sealer(self, now):
        """Whoever has an old key can't sign what came after it."""
        old = AuditKey.objects.get()
        private = audit_keys.private_half(old)
        audit_keys.rotate(now=now)
        newest = sealing.seal(now=now).checkpoint
        body = checkpoint_body(Checkpoint(old.name, newest.size, bytes(newest.root)))
        with as_owner(CHECKPOINTS) as cursor:
            cursor.execute(
                f"UPDATE {CHECKPOINTS} SET note = %s WHERE size = %s", [sign_note(body, old.name, private), newest.size]
            )
        record_events(1)

        with pytest.raises(TrailDamaged):
            sealing.seal(now=now)

    def test_by_a_program_is_refused_by_the_database(self, now):
        newest = TrailCheckpoint.objects.latest("size")
        for size in (newest.size, newest.size - 1, newest.size + 1):
            newest.pk = size
            with pytest.raises(DatabaseError), transaction.atomic():
                newest.save(force_insert=True)


class TestAppendOnly:
    @pytest.mark.parametrize("change", ["UPDATE {} SET {} = {}", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
    @pytest.mark.parametrize("table", TRAIL_TABLES)
    def test_is_kept_by_the_database_for_each_table(self, refused, now, table, change):
        column = "hash" if table.endswith(("leaf", "subtree")) else "created_at"
        record_events(17)
        checkpoint = sealing.seal(now=now).checkpoint
        CheckpointCosignature.objects.create(checkpoint=checkpoint, witness="w", line="— w AAAAAAA=", created_at=now)
        with refused():
            connection.cursor().execute(change.replace("{}", table, 1).replace("{}", column))


class TestRotate:
    def test_signs_later_checkpoints_with_the_new_key_and_keeps_the_old_ones_valid(self, now):
        record_events(2)
        first = sealing.seal(now=now).checkpoint
        old = AuditKey.objects.get()
        new = audit_keys.rotate(now=now, reason="the yearly one")
        second = sealing.seal(now=now).checkpoint

        old.refresh_from_db()
        assert (old.ended_at_size, old.retired_at, new.began_at_size) == (first.size, now, first.size)
        assert (first.key_id, second.key_id, new.name) == (old.kid, new.kid, old.name)
        for row in (first, second):
            open_checkpoint(row.note, verification_keys(size=row.size))
        with pytest.raises(SignerUnknown):
            open_checkpoint(second.note, verification_keys(size=first.size))
        event = SecurityEvent.objects.get(type="key.audit_rotated")
        assert (event.target_id, event.risk_reasons) == (new.kid, ["the yearly one"])
        assert event.data == {"retired": old.kid, "size": first.size}

    def test_keeps_the_name_when_the_address_of_the_installation_changes(self, settings, now):
        record_events(1)
        sealing.seal(now=now)
        settings.SECURITY_EVENTS = {**settings.SECURITY_EVENTS, "AUDIT_ORIGIN": "other.example.org"}
        audit_keys.rotate(now=now)

        assert sealing.seal(now=now).checkpoint.note.startswith("127.0.0.1:8000\n")

    def test_needs_a_key(self, now):
        with pytest.raises(AuditKeyMissing):
            audit_keys.rotate(now=now)

    def test_survives_a_change_of_the_key_of_the_columns(self, settings, now):
        record_events(1)
        sealing.seal(now=now)
        new = [("k2", b"2" * 32)]
        for name in ("SECURITY_EVENTS", "TOKENS"):
            known = getattr(settings, name)
            setattr(settings, name, {**known, "FIELD_ENCRYPTION_KEYS": [*new, *known["FIELD_ENCRYPTION_KEYS"]]})
        reencryption.reencrypt()
        for name in ("SECURITY_EVENTS", "TOKENS"):
            setattr(settings, name, {**getattr(settings, name), "FIELD_ENCRYPTION_KEYS": new})

        assert sealing.seal(now=now).events == 1

    def test_stores_the_private_half_encrypted(self, now):
        record_events(1)
        sealing.seal(now=now)
        with connection.cursor() as cursor:
            cursor.execute("SELECT private_key FROM security_events_auditkey")
            (stored,) = cursor.fetchone()

        private = audit_keys.private_half(AuditKey.objects.get()).private_bytes_raw()
        assert stored.startswith("test1:")
        assert b64encode(private).decode() not in stored
