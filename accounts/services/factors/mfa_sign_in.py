"""The second half of a sign-in."""

from datetime import datetime

from django.utils import timezone

from accounts import selectors
from accounts.errors import SignInChallengeInvalid
from accounts.models import CeremonyPurpose, SignInChallenge, User
from accounts.services.factors import second_factors, sign_in_challenges
from accounts.services.factors.second_factors import Proof
from accounts.services.factors.webauthn_challenges import Place
from accounts.services.sign_in import password_sign_in
from accounts.services.sign_in.password_sign_in import SignedIn
from cedrina_base.signed_tokens import token_digest
from tokens.types import ClientContext


def complete(
    *, token: str, proof: Proof, client: ClientContext, device_token: str = "", now: datetime | None = None
) -> SignedIn:
    """Let in somebody who has a challenge and shows the second factor; the challenge is used up with the sign-in.

    A wrong proof leaves the challenge as it is, until its time is over. The owner's known
    devices have tries of their own, which nobody else uses up.

    Raises: SignInChallengeInvalid, MfaCodeInvalid, AttemptsExhausted, AccountDisabled, EmailNotConfirmed, and
    SessionLimitReached of ``tokens``.
    """
    challenge = _living(token, at=now or timezone.now())
    user = challenge.user
    password_sign_in.require_active_account(user=user, name=user.username, now=now)

    def let_in(methods: list[str]) -> SignedIn:
        _use_up(challenge, user=user, at=now or timezone.now())
        amr = list(dict.fromkeys([*challenge.amr, *methods]))
        pair = password_sign_in.record_and_open_session(user=user, amr=amr, client=client, now=now)
        if pair is None:  # the password changed since the challenge was read
            raise SignInChallengeInvalid
        return SignedIn(user=user, tokens=pair)

    place = Place(CeremonyPurpose.SIGN_IN, user_id=user.pk, sign_in_id=challenge.pk)
    return second_factors.prove(
        user=user, proof=proof, place=place, then=let_in, client=client, device_token=device_token, now=now
    )


def _living(token: str, *, at: datetime) -> SignInChallenge:
    challenge = selectors.sign_in_challenge(digest=token_digest(token))
    if (
        challenge is None
        or challenge.completed_at is not None
        or challenge.expires_at <= at
        or bytes(challenge.bound_to) != sign_in_challenges.binding(user=challenge.user)
    ):
        raise SignInChallengeInvalid
    return challenge


def _use_up(challenge: SignInChallenge, *, user: User, at: datetime) -> None:
    rows = SignInChallenge.objects.filter(pk=challenge.pk, user_id=user.pk, completed_at=None, expires_at__gt=at)
    if not rows.update(completed_at=at):
        raise SignInChallengeInvalid
