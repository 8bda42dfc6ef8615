"""Reads of checkpoints and of the keys that signed them."""

from collections.abc import Sequence

from security_events.models import AuditKey, TrailCheckpoint
from security_events.verifier import VerificationKey


def newest_checkpoint() -> TrailCheckpoint | None:
    """Return the largest checkpoint, ``None`` before the first seal."""
    return TrailCheckpoint.objects.order_by("-size").first()


def checkpoints(*, below: int | None = None, limit: int) -> Sequence[TrailCheckpoint]:
    """Return the checkpoints with their cosignatures, the largest first, from the one below a size on."""
    rows = TrailCheckpoint.objects.prefetch_related("cosignatures").order_by("-size")
    return list((rows if below is None else rows.filter(size__lt=below))[:limit])


def cosigned_note(checkpoint: TrailCheckpoint) -> str:
    """Return the signed note with the lines of its witnesses."""
    return checkpoint.note + "".join(f"{each.line}\n" for each in checkpoint.cosignatures.all())


def audit_keys() -> Sequence[AuditKey]:
    """Return all audit keys without their private halves, the first one first."""
    return list(AuditKey.objects.defer("private_key").order_by("began_at_size", "created_at"))


def verification_keys(*, size: int) -> Sequence[VerificationKey]:
    """Return what checkpoints of a size are verified with: not the keys that were retired before, or made later."""
    return [
        VerificationKey(key.name, bytes(key.public_key))
        for key in audit_keys()
        if key.began_at_size < size and (key.ended_at_size is None or size <= key.ended_at_size)
    ]
