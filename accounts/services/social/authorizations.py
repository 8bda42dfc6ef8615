"""Authorization requests: send a person to a provider, and accept the callback that belongs to it."""

import hmac
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from accounts.client_tokens.random_tokens import mint
from accounts.errors import DetailsInvalid, ProviderUnavailable, SocialTokenInvalid
from accounts.models import SocialAuthorization, SocialPurpose, User
from accounts.providers import authorization, exchange, registry
from accounts.providers.identity import ProviderIdentity
from accounts.providers.registry import Provider
from accounts.providers.waiting import while_waiting
from accounts.types import FieldProblem
from cedrina_base.signed_tokens import token_digest

LIFETIME = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """The address to send a person to, and the state that the client keeps and compares with that of the callback."""

    url: str = field(repr=False)
    state: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ProviderCallback:
    """What the provider appended to the redirect address. ``issuer`` is ``iss`` of RFC 9207, if it was sent."""

    code: str = field(repr=False)
    state: str = field(repr=False)
    code_verifier: str | None = field(default=None, repr=False)
    issuer: str | None = None


@dataclass(frozen=True, slots=True)
class SessionUser:
    """A signed-in user with the session in which they connect a provider or authenticate again."""

    user: User
    session_id: UUID


def begin(
    *,
    provider_id: str,
    redirect_uri: str,
    now: datetime,
    purpose: SocialPurpose = SocialPurpose.SIGN_IN,
    session_user: SessionUser | None = None,
    client_challenge: str = "",
) -> AuthorizationRequest:
    """Store an authorization request; return the address of the provider.

    Raises: NotFound, DetailsInvalid, ProviderUnavailable.
    """
    provider = registry.find(provider_id)
    if redirect_uri not in provider.redirect_uris:
        # Compared as exact strings (RFC 9700, 2.1).
        message = _("This address is not one that the operator allows.")
        raise DetailsInvalid([FieldProblem("redirect_uri", "invalid", message)])
    state, made = mint("cds_"), authorization.AuthorizationSecrets()
    with while_waiting():
        url = authorization.build_url(
            provider,
            redirect_uri=redirect_uri,
            state=state,
            made=made,
            is_fresh=purpose is SocialPurpose.REAUTHENTICATE,
        )
    SocialAuthorization.objects.create(
        digest=token_digest(state),
        provider=provider.id,
        purpose=purpose,
        redirect_uri=redirect_uri,
        nonce=made.nonce,
        code_verifier=made.code_verifier,
        client_challenge=client_challenge,
        created_at=now,
        expires_at=now + LIFETIME,
        user=session_user.user if session_user else None,
        session_id=session_user.session_id if session_user else None,
    )
    return AuthorizationRequest(url=url, state=state)


def consume(
    *,
    provider: Provider,
    callback: ProviderCallback,
    purpose: SocialPurpose,
    now: datetime,
    session_user: SessionUser | None = None,
) -> SocialAuthorization:
    """Mark the request that a callback belongs to as used, and return it. Of simultaneous calls one succeeds.

    The request must be for this provider, so that a code is never sent to a provider that did not issue it, for this
    purpose, and for this session if it was begun in one.

    Raises: SocialTokenInvalid.
    """
    rows = SocialAuthorization.objects.filter(
        digest=token_digest(callback.state),
        provider=provider.id,
        purpose=purpose,
        used_at__isnull=True,
        expires_at__gt=now,
        session_id=session_user.session_id if session_user else None,
        user=session_user.user if session_user else None,
    )
    if rows.update(used_at=now) != 1:
        raise SocialTokenInvalid(reason="state")
    found = SocialAuthorization.objects.get(digest=token_digest(callback.state))
    if not _is_same_client(found, callback.code_verifier):
        raise SocialTokenInvalid(reason="client_verifier")
    if callback.issuer is not None and callback.issuer != provider.issuer:
        raise SocialTokenInvalid(reason="foreign_issuer")  # RFC 9207, 2.4
    return found


def exchange_code(
    *,
    provider: Provider,
    callback: ProviderCallback,
    purpose: SocialPurpose,
    now: datetime,
    session_user: SessionUser | None = None,
) -> tuple[SocialAuthorization, ProviderIdentity]:
    """Exchange the code of a callback; return the request that it belongs to, and the identity at the provider.

    No transaction may be open, because the provider may be slow. When the provider can't be reached, the state can be
    used again.

    Raises: SocialTokenInvalid, ProviderUnavailable.
    """
    request = consume(provider=provider, callback=callback, purpose=purpose, session_user=session_user, now=now)
    try:
        identity = exchange.from_code(
            provider,
            code=callback.code,
            redirect_uri=request.redirect_uri,
            code_verifier=request.code_verifier,
            nonce=request.nonce,
            now=now,
        )
    except ProviderUnavailable:
        release(request=request)
        raise
    return request, identity


def release(*, request: SocialAuthorization) -> None:
    """Let a request be used again, because the provider could not be reached: the client may repeat the callback."""
    SocialAuthorization.objects.filter(pk=request.pk).update(used_at=None)


def delete_pending(*, user_id: UUID) -> int:
    """Delete the requests that a user began in sessions and has not finished; return how many."""
    return SocialAuthorization.objects.filter(user_id=user_id).delete()[0]


def _is_same_client(found: SocialAuthorization, verifier: str | None) -> bool:
    if not found.client_challenge:
        return verifier is None
    return verifier is not None and hmac.compare_digest(found.client_challenge, authorization.s256_challenge(verifier))
