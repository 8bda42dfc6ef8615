"""Recovery codes by allauth: derived from one secret, which is stored encrypted, each accepted once.

They have 12 digits, about 40 bits, so that they can be written down. Encrypted under a key outside of the database
they are safer in a copy of it than such short codes would be as hashes.
"""

from datetime import datetime
from uuid import UUID

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.db import models

from accounts.factors.adapter import secret_of
from accounts.models import RecoverySecret, User

_GROUP = 4


def make(*, user: User, at: datetime) -> list[str]:
    """Return a new set, to be shown once; an earlier one is dead."""
    remove(user_id=user.pk)
    with secret_of(RecoverySecret, user.pk):
        codes = RecoveryCodes.activate(user).generate_codes()
    _authenticators(user.pk).update(created_at=at)
    return ["-".join(code[start : start + _GROUP] for start in range(0, len(code), _GROUP)) for code in codes]


def accept(*, user_id: UUID, code: str, at: datetime) -> bool:
    """Take a code that was not used before; allauth locks the row while it looks."""
    authenticator = _authenticators(user_id).first()
    if authenticator is None:
        return False
    with secret_of(RecoverySecret, user_id):
        is_right: bool = authenticator.wrap().validate_code(code)
    if is_right:
        _authenticators(user_id).update(last_used_at=at)
    return is_right


def left(*, user_id: UUID) -> int:
    """Return how many codes somebody can still use."""
    authenticator = _authenticators(user_id).first()
    if authenticator is None:
        return 0
    with secret_of(RecoverySecret, user_id):
        return len(authenticator.wrap().get_unused_codes())


def remove(*, user_id: UUID) -> bool:
    """Forget somebody's codes; ``False`` when there were none."""
    RecoverySecret.objects.filter(pk=user_id).delete()
    deleted, _of_each = _authenticators(user_id).delete()
    return bool(deleted)


def _authenticators(user_id: UUID) -> models.QuerySet[Authenticator]:
    rows: models.QuerySet[Authenticator] = Authenticator.objects.filter(
        user_id=user_id, type=Authenticator.Type.RECOVERY_CODES
    )
    return rows
