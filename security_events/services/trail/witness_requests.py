"""Offer the newest checkpoint to the witnesses, and keep their signatures."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import NamedTuple

import structlog

from cedrina_base.outgoing_http import OutgoingAnswer, OutgoingClient, OutgoingHttpError
from security_events.errors import HashesPruned
from security_events.event_types import WITNESS_REFUSED
from security_events.models import CheckpointCosignature, SecurityEvent, TrailCheckpoint
from security_events.selectors.sealing.checkpoints import newest_checkpoint
from security_events.services import recording
from security_events.services.trail import proving
from security_events.services.trail.witnesses import Witness, configured_witnesses
from security_events.types import Subject
from security_events.verifier import (
    NoteMalformed,
    NoteSignature,
    hash_lines,
    parse_note,
    parse_signature,
    parse_size,
)

_REQUEST_SECONDS = 10.0
_ANSWER_BYTES = 64 * 1024
_AT_ONCE = 8
_REPORTED_AGAIN_AFTER = timedelta(days=1)
_SIZE_TYPE = "text/x.tlog.size"

log = structlog.get_logger(__name__)


class _Refused(NamedTuple):
    """Why a witness has not signed. ``is_alarming`` if it has seen another tree than ours."""

    reason: str
    is_alarming: bool = False


def offer_newest(*, now: datetime) -> Mapping[str, bool]:
    """Offer the newest checkpoint to each witness that has not signed it; return by name whether it has now.

    Witnesses are asked at the same time, so that one that is down holds up no other one. It gets the next checkpoint,
    which covers those that it has missed.
    """
    newest = newest_checkpoint()
    witnesses = configured_witnesses()
    if newest is None or not witnesses:
        return {}
    seen = _seen_sizes(witnesses)
    due = [each for each in witnesses if seen.get(each.key.name, 0) < newest.size]
    # Threads must not share the database connection, so the first request of each is made here.
    offers = [(each, _body(newest, seen.get(each.key.name, 0))) for each in due]
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        answers = list(pool.map(lambda offer: _ask(*offer), offers))
    repeated = [(witness, _body_for(newest, answer)) for witness, answer in zip(due, answers, strict=True)]
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        second = list(pool.map(lambda offer: _ask(*offer), repeated))
    results = {}
    for witness, first, again in zip(due, answers, second, strict=True):
        results[witness.key.name] = _take(witness, newest, again or first, now=now)
    return results


def _seen_sizes(witnesses: Sequence[Witness]) -> dict[str, int]:
    names = [each.key.name for each in witnesses]
    rows = CheckpointCosignature.objects.filter(witness__in=names).order_by("checkpoint_id")
    return dict(rows.values_list("witness", "checkpoint_id"))


def _body(newest: TrailCheckpoint, old: int) -> bytes | None:
    """Return the request for a witness that knows the tree of size ``old``; ``None`` if hashes are missing."""
    try:
        hashes = proving.prove_consistency(old=old, new=newest.size).hashes if old else ()
    except HashesPruned:
        log.error("witness_proof_pruned", old=old, size=newest.size)  # noqa: TRY400 - no fault of the code
        return None
    return "\n".join([f"old {old}", *hash_lines(hashes), "", newest.note]).encode()


def _body_for(newest: TrailCheckpoint, answer: OutgoingAnswer | OutgoingHttpError | None) -> bytes | None:
    """Return the request for the size that a witness has named in a conflict; ``None`` for any other answer."""
    size = _named_size(answer)
    return None if size is None or size > newest.size else _body(newest, size)


def _named_size(answer: OutgoingAnswer | OutgoingHttpError | None) -> int | None:
    if not isinstance(answer, OutgoingAnswer) or answer.status != 409:
        return None
    content_type = {name.lower(): value for name, value in answer.headers.items()}.get("content-type", "")
    try:
        return parse_size(answer.body.decode("ascii").removesuffix("\n")) if content_type == _SIZE_TYPE else None
    except (UnicodeError, NoteMalformed):
        return None


def _ask(witness: Witness, body: bytes | None) -> OutgoingAnswer | OutgoingHttpError | None:
    if body is None:
        return None
    try:
        with OutgoingClient() as client:
            return client.request(
                "POST",
                f"{witness.url}/add-checkpoint",
                body=body,
                headers={"Content-Type": "text/plain; charset=utf-8", "User-Agent": "Cedrina"},
                total_seconds=_REQUEST_SECONDS,
                max_body_bytes=_ANSWER_BYTES,
            )
    except OutgoingHttpError as error:
        return error


def _take(
    witness: Witness, newest: TrailCheckpoint, answer: OutgoingAnswer | OutgoingHttpError | None, *, now: datetime
) -> bool:
    """Store the signature that an answer holds; return whether it holds one."""
    found = _signature_in(answer, witness, newest)
    if isinstance(found, NoteSignature):
        CheckpointCosignature.objects.bulk_create(
            [
                CheckpointCosignature(
                    checkpoint=newest, witness=witness.key.name, line=str(found).removesuffix("\n"), created_at=now
                )
            ],
            ignore_conflicts=True,
        )
        return True
    log.warning("witness_did_not_sign", witness=witness.key.name, size=newest.size, reason=found.reason)
    if found.is_alarming:
        _report(witness, newest, found.reason, now=now)
    return False


def _signature_in(
    answer: OutgoingAnswer | OutgoingHttpError | None, witness: Witness, newest: TrailCheckpoint
) -> NoteSignature | _Refused:
    if not isinstance(answer, OutgoingAnswer):
        return _Refused(answer.reason if answer else "proof_pruned")
    named = _named_size(answer)
    if answer.status == 422 or (named is not None and named > newest.size):
        return _Refused("other_tree" if named is None else "newer_tree", is_alarming=True)
    if answer.status != 200 or not answer.is_complete:
        return _Refused(f"status_{answer.status}")
    text = parse_note(newest.note).text
    for line in answer.body.decode("utf-8", "replace").splitlines():
        try:
            signature = parse_signature(line)
        except NoteMalformed:
            continue
        if signature.identity == witness.key.identity and witness.key.accepts(text, signature.signature):
            return signature
    return _Refused("no_signature")


def _report(witness: Witness, newest: TrailCheckpoint, reason: str, *, now: datetime) -> None:
    """Record once a day that a witness has seen another tree: this one was restored, or its past was rewritten."""
    reported = SecurityEvent.objects.filter(
        type=WITNESS_REFUSED.id, target_id=witness.key.name[:64], occurred_at__gt=now - _REPORTED_AGAIN_AFTER
    )
    if not reported.exists():
        recording.record(
            WITNESS_REFUSED,
            target=Subject(id=witness.key.name[:64]),
            data={"reason": reason, "size": newest.size},
            now=now,
        )
