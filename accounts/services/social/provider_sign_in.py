"""From somebody whom a provider knows to a session here."""

from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import event_types
from accounts.errors import (
    AccountDisabled,
    AccountError,
    DetailsInvalid,
    ProviderAddressUnverified,
    ProviderUnavailable,
    SocialTokenInvalid,
)
from accounts.identifiers import fold_email
from accounts.models import PresentedToken, SocialPurpose, User
from accounts.providers import exchange, registry
from accounts.providers.identity import ProviderIdentity
from accounts.providers.registry import Provider
from accounts.services.factors.sign_in_challenges import Challenge
from accounts.services.sign_in import password_sign_in
from accounts.services.sign_in.password_sign_in import SignedIn
from accounts.services.social import authorizations, joining
from accounts.services.social.authorizations import Return
from accounts.types import FieldProblem
from security_events.services import deduplication
from security_events.types import Subject
from tokens.types import ClientContext
from tokens.users import subject_of

# RFC 8176 has no name for it; this one is what others use.
FEDERATED = "fed"


def by_code(
    *, provider_id: str, returned: Return, client: ClientContext, locale: str = "en", now: datetime | None = None
) -> SignedIn | Challenge:
    """Let in whom a provider sent back with a code.

    The provider is asked outside of any transaction. Who has a second factor here has to show it all the same.

    Raises: NotThere, SocialTokenInvalid, ProviderUnavailable, ProviderAddressUnverified, AccountDisabled,
    EmailNotConfirmed, and SessionLimitReached of ``tokens``.
    """
    provider, at = registry.find(provider_id), now or timezone.now()
    try:
        _claimed, identity = authorizations.redeem(
            provider=provider, returned=returned, purpose=SocialPurpose.SIGN_IN, now=at
        )
    except (SocialTokenInvalid, ProviderUnavailable) as error:
        raise refused(error=error, provider=provider, now=now) from None
    return _admit(provider, identity, client=client, locale=locale, now=now)


def by_token(
    *,
    provider_id: str,
    id_token: str | None,
    access_token: str | None,
    nonce: str | None,
    client: ClientContext,
    locale: str = "en",
    now: datetime | None = None,
) -> SignedIn | Challenge:
    """Let in whom a token stands for that a native application got from a provider. It is taken once.

    Raises: NotThere, DetailsInvalid, SocialTokenInvalid, ProviderUnavailable, ProviderAddressUnverified,
    AccountDisabled, EmailNotConfirmed, and SessionLimitReached of ``tokens``.
    """
    provider, at = registry.find(provider_id), now or timezone.now()
    token = id_token or (access_token if provider.is_facebook else None)
    if not token:
        # Whom an access token of OpenID Connect is for can't be told: it may be another application's.
        raise DetailsInvalid([FieldProblem("id_token", "required", _("This provider needs an ID token."))])
    try:
        identity, expires_at = exchange.from_tokens(
            provider, id_token=id_token, access_token=access_token, nonce=nonce, now=at
        )
    except (SocialTokenInvalid, ProviderUnavailable) as error:
        raise refused(error=error, provider=provider, now=now) from None
    digest = exchange.presentation_digest(provider, token, is_id_token=bool(id_token))
    if not PresentedToken.objects.remember(digest=digest, expires_at=expires_at):
        raise refused(error=SocialTokenInvalid(reason="replayed"), provider=provider, now=now)
    return _admit(provider, identity, client=client, locale=locale, now=now)


def refused(
    *, error: AccountError, provider: Provider, user: User | None = None, email: str = "", now: datetime | None = None
) -> AccountError:
    """Record that a provider's word was not enough, in a transaction of its own; return what to raise after it."""
    actor = subject_of(user) if user else Subject(name=fold_email(email))
    deduplication.record(
        event_types.SOCIAL_LOGIN_FAILED,
        actor=actor,
        target=actor,
        reasons=[str(error.context.get("reason") or error.code)],
        data={"provider": provider.id},
        now=now or timezone.now(),
    )
    return error


def _admit(
    provider: Provider, identity: ProviderIdentity, *, client: ClientContext, locale: str, now: datetime | None
) -> SignedIn | Challenge:
    try:
        user = joining.settle(provider=provider, identity=identity, locale=locale, now=now)
    except (ProviderAddressUnverified, AccountDisabled, ProviderUnavailable) as error:
        raise refused(error=error, provider=provider, email=identity.email or "", now=now) from None
    return password_sign_in.complete_sign_in(user=user, amr=[FEDERATED], client=client, now=now)
