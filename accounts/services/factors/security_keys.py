"""Add and remove security keys and passkeys."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.errors import AlreadyExists, CredentialRefused, DetailsInvalid, NotAllowed, NotFound
from accounts.factors import enrolled, webauthn
from accounts.factors.enrolled import Enrolled
from accounts.factors.webauthn import Json
from accounts.models import CeremonyPurpose, User
from accounts.services.factors import enrolment, second_factors, webauthn_challenges
from accounts.services.factors.webauthn_challenges import Place
from accounts.services.sign_in import sign_in_methods
from accounts.types import Factor, FieldProblem

MOST_KEYS = 20  # all of them are named in every question to a browser


@dataclass(frozen=True, slots=True)
class Added:
    """A new key, and recovery codes where it is the first factor."""

    key: Enrolled
    recovery_codes: list[str] | None


def begin(*, user: User, session_id: UUID, is_passkey: bool, now: datetime | None = None) -> Json:
    """Return what a browser is to be asked with for a new key, or for a passkey: one that can sign in alone.

    Raises: NotAllowed, for people with as many keys as may be.
    """
    if webauthn.number_of(user_id=user.pk) >= MOST_KEYS:
        raise NotAllowed
    begun = webauthn.begin_registration(user=user, is_passkey=is_passkey)
    return webauthn_challenges.begin(begun=begun, place=_place(user=user, session_id=session_id), now=now)


def register(*, user: User, session_id: UUID, name: str, credential: Json, now: datetime | None = None) -> Added:
    """Store the key that a browser made in answer to ``begin``.

    Raises: DetailsInvalid, AlreadyThere when somebody has this key, NotAllowed, NotThere, and SessionRevoked of
    ``tokens``.
    """
    at = now or timezone.now()
    try:
        with transaction.atomic():
            enrolment.lock(user=user)
            if webauthn.number_of(user_id=user.pk) >= MOST_KEYS:
                raise NotAllowed
            state = webauthn_challenges.take(
                credential=credential, place=_place(user=user, session_id=session_id), now=now
            )
            key = webauthn.add(
                user=user, name=name, key=webauthn.check_registration(state=state, credential=credential), at=at
            )
            if key is None:
                raise AlreadyExists
            codes = enrolment.added(
                user=user,
                factor=Factor.WEBAUTHN,
                key_id=key.pk,
                session_id=session_id,
                amr=second_factors.methods_of(key=key),
                now=now,
            )
            return Added(key=enrolled.factor(key), recovery_codes=codes)
    except CredentialRefused as refusal:
        raise DetailsInvalid([FieldProblem("credential", "invalid", _("The key was not accepted."))]) from refusal


def remove(*, user: User, session_id: UUID, key_id: UUID, now: datetime | None = None) -> None:
    """Forget one of somebody's keys.

    Raises: NotThere, LastWayIn for a passkey of who has nothing else to sign in with.
    """
    with transaction.atomic():
        enrolment.lock(user=user)
        key = webauthn.remove(user_id=user.pk, key_id=key_id)
        if key is None:
            raise NotFound
        if key.is_passkey:
            sign_in_methods.require_sign_in_method(user_id=user.pk)
        enrolment.removed(user=user, factor=Factor.WEBAUTHN, key_id=key_id, session_id=session_id, now=now)


def _place(*, user: User, session_id: UUID) -> Place:
    return Place(CeremonyPurpose.REGISTRATION, user_id=user.pk, session_id=session_id)
