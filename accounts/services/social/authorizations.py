"""Send people to providers, and know them again when they come back."""

import hmac
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.errors import DetailsInvalid, ProviderUnavailable, SocialTokenInvalid
from accounts.models import SocialAuthorization, SocialPurpose, User
from accounts.providers import authorization, exchange, registry
from accounts.providers.identity import ProviderIdentity
from accounts.providers.registry import Provider
from accounts.providers.transport import while_waiting
from accounts.secrets import mint
from accounts.types import FieldProblem
from cedrina_base.signed_tokens import token_digest

LIFETIME = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Departure:
    """Where to send somebody, and the state that comes back with them: the client keeps it and compares."""

    url: str = field(repr=False)
    state: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Return:
    """What a client brings back from a provider. ``issuer`` is RFC 9207's, if the provider sent it."""

    code: str = field(repr=False)
    state: str = field(repr=False)
    code_verifier: str | None = field(default=None, repr=False)
    issuer: str | None = None


@dataclass(frozen=True, slots=True)
class Bearer:
    """Somebody signed in who connects a provider, or proves anew who they are, in this session."""

    user: User
    session_id: UUID


def begin(
    *,
    provider_id: str,
    redirect_uri: str,
    purpose: SocialPurpose = SocialPurpose.SIGN_IN,
    bearer: Bearer | None = None,
    client_challenge: str = "",
    now: datetime | None = None,
) -> Departure:
    """Remember that somebody is sent to a provider; return where that is.

    Raises: NotThere, DetailsInvalid, ProviderUnavailable.
    """
    provider = registry.find(provider_id)
    if redirect_uri not in provider.redirect_uris:
        # To the letter: whatever is nearly right is somebody else's (RFC 9700, 2.1).
        message = _("This address is not one that the operator allows.")
        raise DetailsInvalid([FieldProblem("redirect_uri", "invalid", message)])
    state, proof, at = mint("cds_"), authorization.Proof(), now or timezone.now()
    with while_waiting():
        url = authorization.url(
            provider,
            redirect_uri=redirect_uri,
            state=state,
            proof=proof,
            is_fresh=purpose is SocialPurpose.REAUTHENTICATE,
        )
    SocialAuthorization.objects.create(
        digest=token_digest(state),
        provider=provider.id,
        purpose=purpose,
        redirect_uri=redirect_uri,
        nonce=proof.nonce,
        code_verifier=proof.code_verifier,
        client_challenge=client_challenge,
        created_at=at,
        expires_at=at + LIFETIME,
        user=bearer.user if bearer else None,
        session_id=bearer.session_id if bearer else None,
    )
    return Departure(url=url, state=state)


def claim(
    *, provider: Provider, returned: Return, purpose: SocialPurpose, bearer: Bearer | None = None, now: datetime
) -> SocialAuthorization:
    """Return what was remembered for a state, once: of simultaneous attempts one gets it.

    It is for this provider (so that no code goes to another one than it came from), for this purpose, and for this
    session where it was begun in one.

    Raises: SocialTokenInvalid.
    """
    rows = SocialAuthorization.objects.filter(
        digest=token_digest(returned.state),
        provider=provider.id,
        purpose=purpose,
        used_at__isnull=True,
        expires_at__gt=now,
        session_id=bearer.session_id if bearer else None,
        user=bearer.user if bearer else None,
    )
    if rows.update(used_at=now) != 1:
        raise SocialTokenInvalid(reason="state")
    found = SocialAuthorization.objects.get(digest=token_digest(returned.state))
    if not _is_the_same_client(found, returned.code_verifier):
        raise SocialTokenInvalid(reason="client_verifier")
    if returned.issuer is not None and returned.issuer != provider.issuer:
        raise SocialTokenInvalid(reason="foreign_issuer")  # RFC 9207, 2.4
    return found


def redeem(
    *, provider: Provider, returned: Return, purpose: SocialPurpose, bearer: Bearer | None = None, now: datetime
) -> tuple[SocialAuthorization, ProviderIdentity]:
    """Exchange what a client brings back; return what was remembered, and who the person is at the provider.

    No transaction may be open: the provider takes its time. When it can't be asked, the state stays good.

    Raises: SocialTokenInvalid, ProviderUnavailable.
    """
    claimed = claim(provider=provider, returned=returned, purpose=purpose, bearer=bearer, now=now)
    try:
        identity = exchange.from_code(
            provider,
            code=returned.code,
            redirect_uri=claimed.redirect_uri,
            code_verifier=claimed.code_verifier,
            nonce=claimed.nonce,
            now=now,
        )
    except ProviderUnavailable:
        release(claimed=claimed)
        raise
    return claimed, identity


def release(*, claimed: SocialAuthorization) -> None:
    """Let a state be used after all, because the provider could not be asked: the client may come back with it."""
    SocialAuthorization.objects.filter(pk=claimed.pk).update(used_at=None)


def forget(*, user_id: UUID) -> int:
    """Take away what somebody began in their sessions and has not finished; return how much that was."""
    return SocialAuthorization.objects.filter(user_id=user_id).delete()[0]


def _is_the_same_client(found: SocialAuthorization, verifier: str | None) -> bool:
    if not found.client_challenge:
        return verifier is None
    return verifier is not None and hmac.compare_digest(found.client_challenge, authorization.challenge(verifier))
