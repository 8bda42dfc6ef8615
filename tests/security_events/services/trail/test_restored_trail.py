"""A trail that is older than a checkpoint outside is not sealed under its name any more."""

import pytest
from django.db import connection, transaction
from django.utils import timezone

from cedrina.event_types import JOB_CANCELLED
from security_events.errors import AuditKeyMissing, TrailNotRolledBack, TrailRolledBack
from security_events.models import AuditKey, SecurityEvent, TrailCheckpoint
from security_events.selectors.sealing import checkpoints, kept_checkpoints
from security_events.services import recording
from security_events.services.trail import audit_keys, restored_trail, sealing
from security_events.verifier import open_checkpoint

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.attack("C2SP tlog-checkpoint")]
OUTSIDE = []


def kept_outside():
    return OUTSIDE


@pytest.fixture(autouse=True)
def _outside(settings):
    OUTSIDE.clear()
    settings.SECURITY_EVENTS = {
        **settings.SECURITY_EVENTS,
        "CHECKPOINTS_OUTSIDE": f"{__name__}.kept_outside",
    }


def seal(count=1):
    for _ in range(count):
        recording.record(JOB_CANCELLED)
    return sealing.seal(now=timezone.now()).checkpoint


def restore(size):
    """Take back what was sealed since a checkpoint, as a backup of that time would."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("INSERT INTO security_events_retention_permit VALUES (pg_current_xact_id())")
        cursor.execute("DELETE FROM security_events_trail_checkpoint WHERE size > %s", [size])
        cursor.execute(
            "DELETE FROM security_events_event WHERE id IN "
            "(SELECT event_id FROM security_events_trail_leaf WHERE leaf_index >= %s)",
            [size],
        )
        cursor.execute("DELETE FROM security_events_trail_leaf WHERE leaf_index >= %s", [size])
        cursor.execute("DELETE FROM security_events_trail_subtree WHERE (position + 1) << level > %s", [size])
        cursor.execute("DELETE FROM security_events_retention_permit")


class TestAnOlderState:
    def test_is_not_sealed_beside_a_newer_checkpoint(self):
        yesterday = seal(3)
        today = seal(20)
        restore(yesterday.size)
        recording.record(JOB_CANCELLED)
        OUTSIDE.extend(["no checkpoint", yesterday.note, today.note])

        with pytest.raises(TrailRolledBack, match=rf"size {yesterday.size}, .* size {today.size}"):
            sealing.seal(now=timezone.now())

        assert checkpoints.newest_checkpoint().size == yesterday.size

    def test_goes_on_under_another_name_when_somebody_says_so(self):
        yesterday = seal(3)
        today = seal(20)
        restore(yesterday.size)
        OUTSIDE.append(today.note)

        key = restored_trail.rename(note="the disk was lost", now=timezone.now())
        newest = seal()

        assert newest.size > yesterday.size
        signed = open_checkpoint(newest.note, checkpoints.verification_keys(size=newest.size))
        former = AuditKey.objects.get(ended_at_size=yesterday.size)
        assert signed.origin == key.name != former.name
        assert key.name.startswith(f"{former.name}/restored-")
        event = SecurityEvent.objects.get(type="trail.renamed_after_restore")
        assert (event.data["size"], event.data["lost_size"]) == (yesterday.size, today.size)
        assert event.data["note"] == "the disk was lost"

    def test_is_recognised_after_the_key_was_rotated(self):
        seal(3)
        yesterday = seal()
        audit_keys.rotate(now=timezone.now())
        today = seal(5)
        restore(yesterday.size)
        OUTSIDE.append(today.note)

        with pytest.raises(TrailRolledBack):
            seal()


class TestFiles:
    def test_that_sinks_write_are_read_from_their_end(self, settings, tmp_path):
        yesterday = seal(3)
        today = seal(20)
        restore(yesterday.size)
        notes, others = tmp_path / "check points.txt", tmp_path / "other"
        notes.write_text("x" * 100_000 + f"\n\n{yesterday.note}\n{today.note}\n")
        others.write_bytes(b"\xff\n\n")
        settings.SECURITY_EVENTS = {
            **settings.SECURITY_EVENTS,
            "SINKS": [f"file://{tmp_path}/check%20points.txt?content=checkpoints", str(others), "/none", "https://x/y"],
        }
        del settings.SECURITY_EVENTS["CHECKPOINTS_OUTSIDE"]

        assert kept_checkpoints.in_files() == [yesterday.note, today.note]
        with pytest.raises(TrailRolledBack):
            seal()


class TestANewerState:
    def test_is_sealed_beside_older_checkpoints_and_those_of_others(self):
        yesterday = seal(3)
        OUTSIDE.append(yesterday.note)

        assert seal().size > yesterday.size

    def test_keeps_its_name(self):
        seal()
        with pytest.raises(TrailNotRolledBack):
            restored_trail.rename(note="", now=timezone.now())
        assert AuditKey.objects.count() == 1

    def test_has_a_name_only_once_it_is_sealed(self):
        assert not TrailCheckpoint.objects.exists()
        with pytest.raises(AuditKeyMissing):
            restored_trail.rename(note="", now=timezone.now())


class TestPositions:
    def test_are_left_alone_where_they_grow(self):
        seal(3)

        assert not restored_trail.was_restored()
        assert restored_trail.continue_after_restore(now=timezone.now()) is None
