"""Sign-ins whose first factor was right and whose second factor is not shown yet."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256

from django.db import transaction

from accounts import event_types, selectors
from accounts.client_tokens.random_tokens import mint
from accounts.factors import webauthn, webauthn_challenges
from accounts.factors.webauthn_challenges import ChallengeBinding
from accounts.factors.webauthn_protocol import Json
from accounts.models import CeremonyPurpose, SignInChallenge, User
from accounts.services.sign_in import sign_in_risk
from accounts.types import FactorMethod
from cedrina_base.signed_tokens import token_digest
from security_events.services import recording
from security_events.services.detection.sign_in_risk import SignInRisk
from tokens.users import subject_of

LIFETIME = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class MfaChallenge:
    """What completes a sign-in: ``token`` with a second factor by one of ``methods``, within ``expires_in`` seconds.

    ``webauthn`` are the options for the browser, ``None`` for users without a security key.
    """

    token: str = field(repr=False)
    methods: tuple[str, ...]
    expires_in: int
    webauthn: Json | None = None


def issue(
    *,
    user: User,
    amr: Sequence[str],
    now: datetime,
    upgraded_digest: str | None = None,
    risk: SignInRisk | None = None,
) -> MfaChallenge:
    """Store that the first factor was right; return the challenge for the second one.

    ``upgraded_digest`` is a stronger hash of the password. It is stored here because only the sign-in knows the
    password. ``risk`` is that of the first factor.
    """
    token = mint("cdc_")
    with transaction.atomic():
        if upgraded_digest and User.objects.filter(pk=user.pk, password=user.password).update(password=upgraded_digest):
            user.password = upgraded_digest
        row = SignInChallenge.objects.create(
            user=user,
            digest=token_digest(token),
            bound_to=password_binding(user=user),
            amr=list(amr),
            created_at=now,
            expires_at=now + LIFETIME,
        )
        methods = selectors.factor_methods(user_id=user.pk)
        options = _webauthn_options(row, user=user, now=now) if FactorMethod.WEBAUTHN in methods else None
        recording.record(
            event_types.MFA_CHALLENGED,
            actor=subject_of(user),
            target=subject_of(user),
            **sign_in_risk.event_details(risk, amr=list(amr), methods=list(methods)),
            now=now,
        )
    return MfaChallenge(token=token, methods=methods, expires_in=int(LIFETIME.total_seconds()), webauthn=options)


def password_binding(*, user: User) -> bytes:
    """Return what a challenge is bound to: the password hash of this moment, so that a password change ends it."""
    return sha256(user.password.encode()).digest()


def _webauthn_options(row: SignInChallenge, *, user: User, now: datetime) -> Json:
    binding = ChallengeBinding(CeremonyPurpose.SIGN_IN, user_id=user.pk, sign_in_id=row.pk)
    return webauthn_challenges.store(ceremony=webauthn.begin_authentication(user=user), binding=binding, now=now)
