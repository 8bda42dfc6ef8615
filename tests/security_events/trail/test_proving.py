"""Each proof that is given verifies, by code that shares nothing with the code that made it but the hash function."""

import itertools
from datetime import UTC, datetime
from uuid import UUID

import pytest

from accounts.event_types import LOGIN_SUCCEEDED
from security_events.errors import EventNotFound, HashesPruned, NotSealedYet, SizeNotSealed
from security_events.event_form import canonical_bytes
from security_events.models import CheckpointCosignature, TrailCheckpoint
from security_events.selectors.sealing.checkpoints import checkpoints, verification_keys
from security_events.selectors.trail import START, events_after
from security_events.services.recording import record
from security_events.services.trail import proving
from security_events.verifier import parse_note, proof_file, verify_consistency, verify_proof
from tests.security_events.sealed import as_owner, sealed_trail

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module", autouse=True)
def _sealed(django_db_setup, django_db_blocker):
    with sealed_trail(django_db_blocker, count=70, batch=9, now=NOW):
        yield


class TestProveInclusion:
    def test_proves_each_event(self):
        size = TrailCheckpoint.objects.latest("size").size
        keys = verification_keys(size=size)
        events = events_after(START, limit=1000)
        assert len(events) == size > 70
        for index, event in enumerate(events):
            proof = proving.prove_inclusion(event.position.event_id)

            assert proof.index == index
            assert verify_proof(proof_file(proof), canonical_bytes(event.form), keys).size == size

    def test_brings_the_lines_of_the_witnesses(self):
        newest = TrailCheckpoint.objects.latest("size")
        line = "— witness.example.org CroFHAAAAABplD4AAAA="
        CheckpointCosignature.objects.create(
            checkpoint=newest, witness="witness.example.org", line=line, created_at=NOW
        )

        proof = proving.prove_inclusion(newest.events_to)

        assert parse_note(proof.checkpoint).signatures[1].name == "witness.example.org"
        assert checkpoints(limit=1)[0].cosignatures.get().line == line

    def test_says_what_is_not_sealed_yet_and_what_does_not_exist(self):
        with pytest.raises(NotSealedYet):
            proving.prove_inclusion(record(LOGIN_SUCCEEDED))
        with pytest.raises(EventNotFound):
            proving.prove_inclusion(UUID(int=7))

    def test_proves_what_is_kept_when_the_leaves_before_it_are_gone(self):
        """Below a boundary the stored subtrees do; what needs a deleted leaf is said to be too old."""
        rows = events_after(START, limit=1000)
        with as_owner("security_events_trail_leaf") as cursor:
            cursor.execute("DELETE FROM security_events_trail_leaf WHERE leaf_index < 48")
        size = TrailCheckpoint.objects.latest("size").size
        for event in rows[48:]:
            proof = proving.prove_inclusion(event.position.event_id)
            verify_proof(proof, canonical_bytes(event.form), verification_keys(size=size))
        with pytest.raises(HashesPruned):
            proving.prove_consistency(old=9, new=size)


class TestProveConsistency:
    def test_proves_that_each_checkpoint_continues_each_before_it(self):
        rows = list(TrailCheckpoint.objects.order_by("size"))
        assert len(rows) > 7
        for old, new in itertools.combinations_with_replacement(rows, 2):
            proof = proving.prove_consistency(old=old.size, new=new.size)
            verify_consistency(old=(old.size, bytes(old.root)), new=(new.size, bytes(new.root)), hashes=proof.hashes)

    @pytest.mark.parametrize(("old", "new"), [(5, 4), (-1, 4), (1, 10**6), (2**63, 2**63)])
    def test_refuses_sizes_that_there_never_were(self, old, new):
        with pytest.raises(SizeNotSealed):
            proving.prove_consistency(old=old, new=new)
