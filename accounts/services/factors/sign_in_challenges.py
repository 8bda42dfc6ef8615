"""Sign-ins that wait for a second factor."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256

from django.db import transaction
from django.utils import timezone

from accounts import event_types, selectors
from accounts.factors import webauthn
from accounts.factors.webauthn import Json
from accounts.models import CeremonyPurpose, SignInChallenge, User
from accounts.secrets import mint
from accounts.services.factors import webauthn_challenges
from accounts.services.factors.webauthn_challenges import Place
from accounts.types import Factor
from cedrina_base.signed_tokens import token_digest
from security_events.services import recording
from tokens.users import subject_of

LIFETIME = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a sign-in still takes: a second factor by one of ``methods``, shown with ``token`` in time (seconds)."""

    token: str = field(repr=False)
    methods: tuple[str, ...]
    expires_in: int
    # What a browser is to be asked with for a security key; ``None`` for people without one.
    webauthn: Json | None = None


def issue(
    *, user: User, amr: Sequence[str], upgraded_digest: str | None = None, now: datetime | None = None
) -> Challenge:
    """Remember that somebody's first factor was right; return what the second one is to be shown with.

    A cheaper password hash is upgraded on the way, since only now the password is known.
    """
    at = now or timezone.now()
    token = mint("cdc_")
    with transaction.atomic():
        if upgraded_digest and User.objects.filter(pk=user.pk, password=user.password).update(password=upgraded_digest):
            user.password = upgraded_digest
        row = SignInChallenge.objects.create(
            user=user,
            digest=token_digest(token),
            bound_to=binding(user=user),
            amr=list(amr),
            created_at=at,
            expires_at=at + LIFETIME,
        )
        methods = selectors.factor_methods(user_id=user.pk)
        options = _ask_for_key(row, user=user, now=now) if Factor.WEBAUTHN in methods else None
        recording.record(
            event_types.MFA_CHALLENGED,
            actor=subject_of(user),
            target=subject_of(user),
            data={"amr": list(amr), "methods": list(methods)},
            now=now,
        )
    return Challenge(token=token, methods=methods, expires_in=int(LIFETIME.total_seconds()), webauthn=options)


def _ask_for_key(row: SignInChallenge, *, user: User, now: datetime | None) -> Json:
    place = Place(CeremonyPurpose.SIGN_IN, user_id=user.pk, sign_in_id=row.pk)
    return webauthn_challenges.begin(begun=webauthn.begin_assertion(user=user), place=place, now=now)


def binding(*, user: User) -> bytes:
    """Return what a challenge of this person is bound to: it dies with the password that it was given for."""
    return sha256(user.password.encode()).digest()
