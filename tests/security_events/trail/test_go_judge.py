"""A thousand checkpoints of one trail, across a rotation, a retention run and an erasure, judged by foreign code."""

import base64
from datetime import timedelta
from itertools import pairwise

import pytest
from django.db import connection
from django.utils import timezone

from accounts.services.profile import erasure
from cedrina.event_types import RATELIMIT_REFUSED
from security_events.event_form import canonical_bytes
from security_events.models import AuditKey, TrailCheckpoint
from security_events.selectors.trail import START, events_after
from security_events.services.retention import purging, terms
from security_events.services.trail import audit_keys, proving, sealing, verification
from security_events.verifier import (
    VerificationKey,
    leaf_hash,
    proof_file,
    verify_consistency,
    verify_inclusion,
)
from security_events.verifier.proofs import hash_lines
from tests.factories.accounts import UserFactory
from tests.security_events.old_events import days_ago, drop_old_partitions, record_old
from tests.security_events.sealed import record_events
from tests.security_events.tampered import empty_trail
from tests.security_events.verifier import judge

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
CHECKPOINTS = 1_000


@pytest.fixture
def contents(settings):
    """Seal event by event, with all that must not change a leaf in between; return the leaves' contents by event."""
    empty_trail()
    now = timezone.now()
    record_old(RATELIMIT_REFUSED, at=days_ago(40), count=CHECKPOINTS // 4)
    person = UserFactory()
    contents = {}

    def seal():
        events = events_after(START, limit=10_000)
        contents.update({event.position.event_id: canonical_bytes(event.form) for event in events})
        while sealing.seal_batch(now=now, limit=1).events:
            pass

    seal()
    audit_keys.rotate(now=now)
    seal()
    settings.SECURITY_EVENTS = {**settings.SECURITY_EVENTS, "RETENTION_DAYS_BY_CATEGORY": {"ratelimit": 30}}
    terms.store_terms()
    assert purging.purge(now=now).events == CHECKPOINTS // 4
    seal()
    erasure.erase_for_operator(user=person, by=None, reason="asked for", now=now)
    record_events(CHECKPOINTS - len(contents))
    audit_keys.rotate(now=now + timedelta(hours=1))
    seal()
    yield contents
    empty_trail()
    drop_old_partitions()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM security_events_retention_term")
        cursor.execute("DELETE FROM security_events_retention_progress")


def test_all_are_accepted_and_each_change_is_refused(contents, go_judge):
    checkpoints = list(TrailCheckpoint.objects.order_by("size"))
    keys = [VerificationKey(key.name, bytes(key.public_key)) for key in AuditKey.objects.order_by("began_at_size")]
    assert len(checkpoints) >= CHECKPOINTS
    assert len(keys) == 3

    accepted = [{"Kind": "checkpoint", "Note": each.note} for each in checkpoints]
    accepted += [_consistency(old, new) for old, new in pairwise(checkpoints[::25])]
    accepted += [_consistency(old, checkpoints[-1]) for old in checkpoints[::40]]
    for event_id, content in list(contents.items())[::20]:
        accepted.append({"Kind": "inclusion", "Proof": proof_file(proving.prove_inclusion(event_id)), "Leaf": content})
    refused = [changed for case in accepted[::9] for changed in _changes(case)]

    verdicts = judge.verdicts(go_judge, origin=keys[0].name, keys=keys, cases=_encoded([*accepted, *refused]))

    assert set(verdicts[: len(accepted)]) == {""}
    assert all(verdicts[len(accepted) :])
    report = verification.verify(now=timezone.now())
    assert report.first_wrong is None
    assert (report.not_covered.pruned_below, report.checked + CHECKPOINTS // 4) == (CHECKPOINTS // 4, len(checkpoints))


def _consistency(old, new):
    proof = proving.prove_consistency(old=old.size, new=new.size)
    return {"Kind": "consistency", "Old": old.note, "Note": new.note, "Hashes": hash_lines(proof.hashes)}


def _changes(case):
    """Yield a case with one thing changed, for each thing that a forger would change."""
    for name in ("Note", "Old"):
        if name in case:
            origin, size, rest = case[name].split("\n", 2)
            yield {**case, name: f"{origin}\n{int(size) + 1}\n{rest}"}
            yield {**case, name: f"{origin}.example\n{size}\n{rest}"}
    if case.get("Hashes"):
        yield {**case, "Hashes": case["Hashes"][1:]}
        yield {**case, "Hashes": [*case["Hashes"], case["Hashes"][0]]}
        yield {**case, "Old": case["Note"], "Note": case["Old"]}
    if "Leaf" in case:
        yield {**case, "Leaf": case["Leaf"].replace(b":", b": ", 1)}
        head, index, rest = case["Proof"].split("\n", 2)
        yield {**case, "Proof": f"{head}\nindex {int(index.removeprefix('index ')) + 1}\n{rest}"}


def _encoded(cases):
    return [{**case, "Leaf": base64.b64encode(case["Leaf"]).decode()} if "Leaf" in case else case for case in cases]
