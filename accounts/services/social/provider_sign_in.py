"""Sign in with an account at a provider."""

from datetime import datetime

from django.utils.translation import gettext_lazy as _

from accounts import event_types, measures
from accounts.errors import (
    AccountDisabled,
    AccountError,
    DetailsInvalid,
    ProviderAddressUnverified,
    ProviderUnavailable,
    SocialTokenInvalid,
)
from accounts.identifiers.names import fold_email
from accounts.models import PresentedToken, SocialPurpose, User
from accounts.providers import exchange, registry
from accounts.providers.identity import ProviderIdentity
from accounts.providers.registry import Provider
from accounts.services.factors.sign_in_challenges import MfaChallenge
from accounts.services.sign_in import password_sign_in
from accounts.services.sign_in.counted_sign_ins import counted
from accounts.services.sign_in.password_sign_in import SignedIn
from accounts.services.social import authorizations, joining
from accounts.services.social.authorizations import ProviderCallback
from accounts.types import FieldProblem
from security_events.services import deduplication
from security_events.types import Subject
from tokens.types import ClientContext
from tokens.users import subject_of

# The ``amr`` value. RFC 8176 has none for this; others use this one.
FEDERATED = "fed"


@counted(measures.PROVIDER)
def by_code(
    *,
    provider_id: str,
    callback: ProviderCallback,
    client: ClientContext,
    now: datetime,
    locale: str = "en",
    device_token: str = "",
) -> SignedIn | MfaChallenge:
    """Sign in the person whom a provider has sent back with a code.

    The provider is called outside of any transaction. People with a second factor have to show it here as well.

    Raises: NotFound, SocialTokenInvalid, ProviderUnavailable, ProviderAddressUnverified, AccountDisabled,
    EmailNotConfirmed, and SessionLimitReached of ``tokens``.
    """
    provider = registry.find(provider_id)
    try:
        _request, identity = authorizations.exchange_code(
            provider=provider, callback=callback, purpose=SocialPurpose.SIGN_IN, now=now
        )
    except (SocialTokenInvalid, ProviderUnavailable) as error:
        raise record_refusal(error=error, provider=provider, now=now) from None
    return _sign_in(provider, identity, client=client, locale=locale, device_token=device_token, now=now)


@counted(measures.PROVIDER)
def by_token(
    *,
    provider_id: str,
    id_token: str | None,
    access_token: str | None,
    nonce: str | None,
    client: ClientContext,
    now: datetime,
    locale: str = "en",
    device_token: str = "",
) -> SignedIn | MfaChallenge:
    """Sign in by a token that a native application received from a provider. Each token is accepted once.

    Raises: NotFound, DetailsInvalid, SocialTokenInvalid, ProviderUnavailable, ProviderAddressUnverified,
    AccountDisabled, EmailNotConfirmed, and SessionLimitReached of ``tokens``.
    """
    provider = registry.find(provider_id)
    token = id_token or (access_token if provider.is_facebook else None)
    if not token:
        # An access token of OpenID Connect does not say which client it is for: it may be another application's.
        raise DetailsInvalid([FieldProblem("id_token", "required", _("This provider needs an ID token."))])
    try:
        identity, expires_at = exchange.from_tokens(
            provider, id_token=id_token, access_token=access_token, nonce=nonce, now=now
        )
    except (SocialTokenInvalid, ProviderUnavailable) as error:
        raise record_refusal(error=error, provider=provider, now=now) from None
    digest = exchange.presentation_digest(provider, token, is_id_token=bool(id_token))
    if not PresentedToken.objects.remember(digest=digest, expires_at=expires_at):
        raise record_refusal(error=SocialTokenInvalid(reason="replayed"), provider=provider, now=now)
    return _sign_in(provider, identity, client=client, locale=locale, device_token=device_token, now=now)


def record_refusal(
    *, error: AccountError, provider: Provider, now: datetime, user: User | None = None, email: str = ""
) -> AccountError:
    """Record a refused sign-in in a transaction of its own; return the error to raise after it."""
    actor = subject_of(user) if user else Subject(name=fold_email(email))
    deduplication.record(
        event_types.SOCIAL_LOGIN_FAILED,
        actor=actor,
        target=actor,
        reasons=[str(error.context.get("reason") or error.code)],
        data={"provider": provider.id},
        now=now,
    )
    return error


def _sign_in(
    provider: Provider,
    identity: ProviderIdentity,
    *,
    client: ClientContext,
    locale: str,
    device_token: str,
    now: datetime,
) -> SignedIn | MfaChallenge:
    try:
        user = joining.resolve_user(provider=provider, identity=identity, locale=locale, now=now)
    except (ProviderAddressUnverified, AccountDisabled, ProviderUnavailable) as error:
        raise record_refusal(error=error, provider=provider, email=identity.email or "", now=now) from None
    return password_sign_in.complete_sign_in(
        user=user, amr=[FEDERATED], client=client, device_token=device_token, now=now
    )
