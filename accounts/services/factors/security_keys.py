"""Add and remove security keys and passkeys."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.errors import AlreadyExists, CredentialRefused, DetailsInvalid, NotAllowed, NotFound
from accounts.factors import amr, webauthn, webauthn_challenges, webauthn_protocol
from accounts.factors.protocol import EnrolledFactor
from accounts.factors.webauthn_challenges import ChallengeBinding
from accounts.factors.webauthn_protocol import Json
from accounts.models import CeremonyPurpose, User
from accounts.services.factors import enrolment
from accounts.services.sign_in import sign_in_methods
from accounts.types import FactorMethod, FieldProblem

MAX_KEYS = 20  # of one user; the options for a browser list all of them


@dataclass(frozen=True, slots=True)
class AddedKey:
    """A new key, with recovery codes if it is the user's first factor."""

    key: EnrolledFactor
    recovery_codes: list[str] | None


def begin(*, user: User, session_id: UUID, is_passkey: bool, now: datetime) -> Json:
    """Return the options by which a browser makes a new key, or a passkey, which can sign in alone.

    Raises: NotAllowed, for users who have ``MAX_KEYS`` already.
    """
    if webauthn.count_keys(user_id=user.pk) >= MAX_KEYS:
        raise NotAllowed
    ceremony = webauthn.begin_registration(user=user, is_passkey=is_passkey)
    return webauthn_challenges.store(ceremony=ceremony, binding=_binding(user=user, session_id=session_id), now=now)


def register(*, user: User, session_id: UUID, name: str, credential: Json, now: datetime) -> AddedKey:
    """Store the key that a browser made by the options of ``begin``.

    Raises: DetailsInvalid, AlreadyExists when any user has this key, NotAllowed, NotFound, and SessionRevoked of
    ``tokens``.
    """
    binding = _binding(user=user, session_id=session_id)
    try:
        with transaction.atomic():
            enrolment.lock_user(user=user)
            if webauthn.count_keys(user_id=user.pk) >= MAX_KEYS:
                raise NotAllowed
            state = webauthn_challenges.consume(credential=credential, binding=binding, now=now)
            verified = webauthn_protocol.verify_registration(state=state, credential=credential)
            key = webauthn.add(user=user, name=name, credential=verified, now=now)
            if key is None:
                raise AlreadyExists
            codes = enrolment.record_added(
                user=user,
                method=FactorMethod.WEBAUTHN,
                key_id=key.pk,
                session_id=session_id,
                amr=amr.of_signature(is_backup_eligible=key.is_backup_eligible),
                now=now,
            )
            return AddedKey(key=webauthn.describe_key(key), recovery_codes=codes)
    except CredentialRefused as refusal:
        raise DetailsInvalid([FieldProblem("credential", "invalid", _("The key was not accepted."))]) from refusal


def remove(*, user: User, session_id: UUID, key_id: UUID, now: datetime) -> None:
    """Delete one of a user's keys.

    Raises: NotFound, LastSignInMethod for a passkey without which the user could not sign in.
    """
    with transaction.atomic():
        enrolment.lock_user(user=user)
        key = webauthn.find(user_id=user.pk, key_id=key_id)
        if key is None or not webauthn.remove(user_id=user.pk, factor_id=key_id):
            raise NotFound
        if key.is_passkey:
            sign_in_methods.require_sign_in_method(user_id=user.pk)
        enrolment.record_removed(user=user, method=FactorMethod.WEBAUTHN, key_id=key_id, session_id=session_id, now=now)


def _binding(*, user: User, session_id: UUID) -> ChallengeBinding:
    return ChallengeBinding(CeremonyPurpose.REGISTRATION, user_id=user.pk, session_id=session_id)
