"""Connect and disconnect accounts of providers, and prove anew by one who is signed in."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts import event_types
from accounts.errors import (
    AlreadyExists,
    NotFound,
    ProviderUnavailable,
    SocialAccountInUse,
    SocialTokenInvalid,
)
from accounts.models import SocialAuthorization, SocialPurpose, User
from accounts.providers import links, registry
from accounts.providers.identity import ProviderIdentity
from accounts.providers.links import Link
from accounts.providers.registry import Provider
from accounts.services.factors import enrolment
from accounts.services.mailing import mail_queue
from accounts.services.sign_in import sign_in_methods
from accounts.services.social import authorizations, joining, provider_sign_in
from accounts.services.social.authorizations import Bearer, Return
from security_events.services import recording
from tokens.models import Session
from tokens.services import sessions
from tokens.users import subject_of

# How much a provider's clock may be behind ours.
_LEEWAY = timedelta(minutes=1)
OPENID_CONNECT = "openid_connect"


def link(*, provider_id: str, returned: Return, bearer: Bearer, now: datetime | None = None) -> Link:
    """Connect the account of a provider that somebody signed in comes back with.

    While the provider is asked the session may end, or the account be handed to the owner of its address: then nothing
    is connected.

    Raises: NotThere, SocialTokenInvalid, ProviderUnavailable, SocialAccountInUse, AlreadyThere.
    """
    provider, at = registry.find(provider_id), now or timezone.now()
    _claimed, identity = _redeem(provider, returned, SocialPurpose.LINK, bearer, at=at, now=now)
    with transaction.atomic():
        user = _lock(bearer.user.pk)
        is_alive = user is not None and Session.objects.live(at=at).filter(pk=bearer.session_id).exists()
        added = links.add(identity, user_id=bearer.user.pk, now=at) if is_alive else None
        if added is not None:
            joining.announce(user=bearer.user, provider=provider, now=now)
    if not is_alive:
        error = SocialTokenInvalid(reason="session_ended")
        raise provider_sign_in.refused(error=error, provider=provider, user=bearer.user, now=now)
    if added is None:
        holder = links.find(identity)
        raise AlreadyExists if holder is not None and holder.user_id == bearer.user.pk else SocialAccountInUse
    return added


def unlink(*, user: User, link_id: UUID, now: datetime | None = None) -> None:
    """Disconnect an account of a provider, unless nothing else would let the person in.

    Raises: NotThere, LastWayIn.
    """
    with transaction.atomic():
        enrolment.lock(user=user)
        doomed = next((each for each in links.of_user(user.pk) if each.id == link_id), None)
        if doomed is None:
            raise NotFound(link_id=link_id)
        links.remove(doomed)
        sign_in_methods.require_sign_in_method(user_id=user.pk)
        subject = subject_of(user)
        recording.record(
            event_types.SOCIAL_ACCOUNT_UNLINKED,
            actor=subject,
            target=subject,
            data={"provider": doomed.provider},
            now=now,
        )
        mail_queue.enqueue(
            user_id=user.pk,
            kind=mail_queue.Kind.SOCIAL_ACCOUNT_UNLINKED,
            details={"provider": registry.display_name(doomed.provider)},
            now=now,
        )


def reauthenticate(*, provider_id: str, returned: Return, bearer: Bearer, now: datetime | None = None) -> datetime:
    """Note that the person behind a session has just signed in anew at a provider they are connected to; return when.

    For people without a password it is the way to do what needs a fresh sign-in. The provider was asked to authenticate
    them anew; where it tells when it did, that must have been after the question (OpenID Connect Core, 3.1.2.1).

    Raises: NotThere, SocialTokenInvalid, ProviderUnavailable, and SessionRevoked of ``tokens``.
    """
    provider, at = registry.find(provider_id), now or timezone.now()
    claimed, identity = _redeem(provider, returned, SocialPurpose.REAUTHENTICATE, bearer, at=at, now=now)
    holder = links.find(identity)
    reason = ""
    if holder is None or holder.user_id != bearer.user.pk:
        reason = "foreign_account"
    elif not _is_fresh(provider, identity, since=claimed.created_at):
        reason = "not_authenticated_anew"
    if reason:
        error = SocialTokenInvalid(reason=reason)
        raise provider_sign_in.refused(error=error, provider=provider, user=bearer.user, now=now)
    subject = subject_of(bearer.user)
    with transaction.atomic():
        confirmed_at = sessions.record_reauthentication(
            session_id=bearer.session_id, amr=[provider_sign_in.FEDERATED], now=now or timezone.now()
        )
        recording.record(
            event_types.REAUTHENTICATED,
            actor=subject,
            target=subject,
            session_id=bearer.session_id,
            data={"amr": [provider_sign_in.FEDERATED], "provider": provider.id},
            now=now,
        )
    return confirmed_at


def _redeem(
    provider: Provider, returned: Return, purpose: SocialPurpose, bearer: Bearer, *, at: datetime, now: datetime | None
) -> tuple[SocialAuthorization, ProviderIdentity]:
    try:
        return authorizations.redeem(provider=provider, returned=returned, purpose=purpose, bearer=bearer, now=at)
    except (SocialTokenInvalid, ProviderUnavailable) as error:
        raise provider_sign_in.refused(error=error, provider=provider, user=bearer.user, now=now) from None


def _is_fresh(provider: Provider, identity: ProviderIdentity, *, since: datetime) -> bool:
    if identity.authenticated_at is None:
        # Google, Microsoft and Facebook don't tell; whoever follows the standard does when asked as we ask.
        return provider.kind != OPENID_CONNECT
    return identity.authenticated_at >= since - _LEEWAY


def _lock(user_id: UUID) -> User | None:
    return User.objects.present().select_for_update().filter(pk=user_id, is_active=True).first()
