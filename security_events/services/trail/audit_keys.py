"""The keys that sign checkpoints: Ed25519, since a signed note (C2SP) knows no RSA."""

import base64
import json
from datetime import datetime
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import connection, transaction

from cedrina_base import base64url
from security_events import event_types
from security_events.conf import security_event_settings
from security_events.errors import AuditKeyMissing, AuditOriginInvalid, EncryptionKeyMissing
from security_events.models import AuditKey
from security_events.selectors.sealing import checkpoints
from security_events.services import recording
from security_events.types import Subject
from security_events.verifier import NoteMalformed, verification_key

_LOCK = 1589641218  # any number that no other advisory lock has


def lock_trail() -> None:
    """Let no other process seal or rotate until the current transaction ends.

    A checkpoint must not be known outside before it is on the disk, so a role or a database that doesn't wait for the
    disk does so in this transaction.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        cursor.execute(
            "SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off'"
        )


def active_key(*, now: datetime) -> AuditKey:
    """Return the key that signs, a new one at the first time. The caller holds the lock.

    Raises: AuditOriginInvalid, EncryptionKeyMissing; DecryptionFailed, when the private half is read.
    """
    key = AuditKey.objects.filter(retired_at=None).first()
    return key or _make(name=_origin(), size=0, now=now)


def rotate(*, now: datetime, reason: str = "") -> AuditKey:
    """Retire the key that signs at the current size of the tree, and return its successor.

    The name stays, since it is the origin by which others know the trail. Checkpoints by the old key stay valid.

    Raises: AuditKeyMissing, before the first seal; EncryptionKeyMissing.
    """
    with transaction.atomic():
        lock_trail()
        key = AuditKey.objects.defer("private_key").filter(retired_at=None).first()
        if key is None:
            raise AuditKeyMissing
        newest = checkpoints.newest_checkpoint()
        size = newest.size if newest else 0
        successor = replace(key, name=key.name, size=size, now=now)
        recording.record(
            event_types.AUDIT_KEY_ROTATED,
            target=Subject(id=successor.kid),
            reasons=[reason] if reason else [],
            data={"retired": key.kid, "size": size},
            now=now,
        )
    return successor


def replace(key: AuditKey, *, name: str, size: int, now: datetime) -> AuditKey:
    """Retire a key at a size of the tree, and return its successor. The caller holds the lock.

    Raises: EncryptionKeyMissing.
    """
    AuditKey.objects.filter(pk=key.pk).update(retired_at=now, ended_at_size=size)
    return _make(name=name, size=size, now=now)


def private_half(key: AuditKey) -> Ed25519PrivateKey:
    """Return the parsed private key.

    Raises: DecryptionFailed.
    """
    return Ed25519PrivateKey.from_private_bytes(base64.b64decode(key.private_key))


def _make(*, name: str, size: int, now: datetime) -> AuditKey:
    if not security_event_settings.FIELD_ENCRYPTION_KEYS:
        raise EncryptionKeyMissing
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes_raw()
    key = AuditKey.objects.create(
        kid=_thumbprint(public),
        name=name,
        public_key=public,
        private_key=base64.b64encode(private.private_bytes_raw()).decode(),
        created_at=now,
        began_at_size=size,
    )
    recording.record(event_types.AUDIT_KEY_CREATED, target=Subject(id=key.kid), data={"size": size}, now=now)
    return key


def _origin() -> str:
    origin = security_event_settings.AUDIT_ORIGIN
    try:
        verification_key(origin, bytes(32))
    except NoteMalformed as error:
        raise AuditOriginInvalid from error
    return origin


def _thumbprint(public: bytes) -> str:
    """Return the id of a key: RFC 7638, 3, and RFC 8037, 2."""
    members = {"crv": "Ed25519", "kty": "OKP", "x": base64url.encode(public)}
    return base64url.encode(sha256(json.dumps(members, separators=(",", ":")).encode()).digest())
