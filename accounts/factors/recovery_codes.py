"""Recovery codes as a second factor: derived by allauth from one secret, each accepted once.

They have 12 digits, about 40 bits, so that people can write them down. The secret is encrypted under a key that is not
in the database, which protects such short codes better in a copy of the database than hashes of them would.
"""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from allauth.mfa.models import Authenticator
from allauth.mfa.utils import encrypt
from django.db import models

from accounts.errors import MfaCodeInvalid
from accounts.factors import amr, secret_rows
from accounts.factors.adapter import secret_of
from accounts.factors.protocol import EnrolledFactor
from accounts.factors.webauthn_challenges import ChallengeBinding
from accounts.models import RecoverySecret, User
from accounts.types import FactorMethod

IS_SUBSTITUTE = True
IS_GUESSABLE = False

_SEED_BYTES = 40
_GROUP_DIGITS = 4


def generate(*, user: User, now: datetime) -> list[str]:
    """Return a new set of codes, to be shown once. The codes of an earlier set are void."""
    remove(user_id=user.pk)
    with secret_of(RecoverySecret, user.pk):
        authenticator = Authenticator.objects.create(
            user=user,
            type=Authenticator.Type.RECOVERY_CODES,
            data={"seed": encrypt(secrets.token_hex(_SEED_BYTES)), "used_mask": 0},
            created_at=now,
        )
        codes = authenticator.wrap().generate_codes()
    return ["-".join(code[i : i + _GROUP_DIGITS] for i in range(0, len(code), _GROUP_DIGITS)) for code in codes]


def count_unused(*, user_id: UUID) -> int:
    """Return how many codes a user can still use."""
    authenticator = _authenticators(user_id).first()
    if authenticator is None:
        return 0
    with secret_of(RecoverySecret, user_id):
        return len(authenticator.wrap().get_unused_codes())


def verify(*, user: User, response: Any, binding: ChallengeBinding, now: datetime) -> list[str]:
    """Accept a code that was not used before. allauth locks its row, so that of simultaneous uses one succeeds.

    A code is bound to nothing.

    Raises: MfaCodeInvalid.
    """
    authenticator = _authenticators(user.pk).first()
    if authenticator is None:
        raise MfaCodeInvalid
    with secret_of(RecoverySecret, user.pk):
        is_right: bool = authenticator.wrap().validate_code(response)
    if not is_right:
        raise MfaCodeInvalid
    _authenticators(user.pk).update(last_used_at=now)
    return list(amr.OF_CODES)


def describe(rows: Sequence[Authenticator]) -> Mapping[int, EnrolledFactor]:
    """Return what the owner of ``rows`` sees, by the primary key of the row."""
    return secret_rows.describe(rows, model=RecoverySecret, method=FactorMethod.RECOVERY_CODE)


def remove(*, user_id: UUID, factor_id: UUID | None = None) -> bool:
    """Delete a user's recovery codes, of which there is one set; ``False`` when there is none."""
    return secret_rows.remove(_authenticators(user_id), model=RecoverySecret, user_id=user_id)


def _authenticators(user_id: UUID) -> models.QuerySet[Authenticator]:
    return secret_rows.authenticators(user_id=user_id, authenticator_type=Authenticator.Type.RECOVERY_CODES)
