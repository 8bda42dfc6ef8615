"""Complete a sign-in with a second factor."""

from datetime import datetime

from accounts import measures, selectors
from accounts.client_tokens import known_devices
from accounts.errors import SignInChallengeInvalid
from accounts.factors.webauthn_challenges import ChallengeBinding
from accounts.models import CeremonyPurpose, SignInChallenge, User
from accounts.services.factors import second_factors, sign_in_challenges
from accounts.services.factors.second_factors import FactorResponse
from accounts.services.sign_in import password_sign_in, sign_in_risk
from accounts.services.sign_in.counted_sign_ins import counted
from accounts.services.sign_in.password_sign_in import SignedIn
from cedrina_base.signed_tokens import token_digest
from tokens.types import ClientContext


@counted(measures.SECOND_FACTOR)
def complete(
    *, token: str, response: FactorResponse, client: ClientContext, now: datetime, device_token: str = ""
) -> SignedIn:
    """Sign in the user of a challenge whose second factor is right; the challenge is used up with the sign-in.

    A wrong response leaves the challenge usable until it expires. Attempts on the owner's known devices are counted
    separately, so that nobody else can use them up.

    Raises: SignInChallengeInvalid, MfaCodeInvalid, AttemptsExhausted, AccountDisabled, EmailNotConfirmed, and
    SessionLimitReached of ``tokens``.
    """
    challenge = _pending_challenge(token, now=now)
    user = challenge.user
    password_sign_in.require_active_account(user=user, name=user.username, now=now)

    def open_session(methods: list[str]) -> SignedIn:
        _use_up(challenge, user=user, now=now)
        amr = list(dict.fromkeys([*challenge.amr, *methods]))
        is_known = known_devices.recognise(device_token, user=user, now=now) is not None
        risk = sign_in_risk.of_sign_in(user=user, amr=amr, is_known_device=is_known, now=now)
        pair = password_sign_in.record_and_open_session(user=user, amr=amr, client=client, risk=risk, now=now)
        if pair is None:  # the password changed since the challenge was read
            raise SignInChallengeInvalid
        return SignedIn(user=user, tokens=pair)

    binding = ChallengeBinding(CeremonyPurpose.SIGN_IN, user_id=user.pk, sign_in_id=challenge.pk)
    return second_factors.verify(
        user=user,
        response=response,
        binding=binding,
        then=open_session,
        client=client,
        device_token=device_token,
        now=now,
    )


def _pending_challenge(token: str, *, now: datetime) -> SignInChallenge:
    challenge = selectors.sign_in_challenge(digest=token_digest(token))
    if (
        challenge is None
        or challenge.completed_at is not None
        or challenge.expires_at <= now
        or bytes(challenge.bound_to) != sign_in_challenges.password_binding(user=challenge.user)
    ):
        raise SignInChallengeInvalid
    return challenge


def _use_up(challenge: SignInChallenge, *, user: User, now: datetime) -> None:
    rows = SignInChallenge.objects.filter(pk=challenge.pk, user_id=user.pk, completed_at=None, expires_at__gt=now)
    if not rows.update(completed_at=now):
        raise SignInChallengeInvalid
