"""Connect and disconnect accounts at providers, and authenticate again by one of them."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

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
from accounts.providers.links import SocialLink
from accounts.providers.registry import Provider
from accounts.services.factors import enrolment
from accounts.services.mailing import mail_queue
from accounts.services.sign_in import sign_in_methods
from accounts.services.social import authorizations, joining, provider_sign_in
from accounts.services.social.authorizations import ProviderCallback, SessionUser
from security_events.services import recording
from tokens.models import Session
from tokens.services import sessions
from tokens.users import subject_of

# How far a provider's clock may be behind ours.
_LEEWAY = timedelta(minutes=1)
OPENID_CONNECT = "openid_connect"


def link(*, provider_id: str, callback: ProviderCallback, session_user: SessionUser, now: datetime) -> SocialLink:
    """Connect the account at a provider by which a signed-in user has just authenticated there.

    If the session ends while the provider is called, or the account is given to the owner of its address, nothing is
    connected.

    Raises: NotFound, SocialTokenInvalid, ProviderUnavailable, SocialAccountInUse, AlreadyExists.
    """
    provider, user = registry.find(provider_id), session_user.user
    _request, identity = _exchange(provider, callback, SocialPurpose.LINK, session_user, now=now)
    with transaction.atomic():
        is_live = _lock(user.pk) and Session.objects.live(at=now).filter(pk=session_user.session_id).exists()
        added = links.add(identity, user_id=user.pk, now=now) if is_live else None
        if added is not None:
            joining.record_linked(user=user, provider=provider, now=now)
    if not is_live:
        error = SocialTokenInvalid(reason="session_ended")
        raise provider_sign_in.record_refusal(error=error, provider=provider, user=user, now=now)
    if added is None:
        holder = links.find(identity)
        raise AlreadyExists if holder is not None and holder.user_id == user.pk else SocialAccountInUse
    return added


def unlink(*, user: User, link_id: UUID, now: datetime) -> None:
    """Disconnect an account at a provider, unless the user could not sign in without it.

    Raises: NotFound, LastSignInMethod.
    """
    with transaction.atomic():
        enrolment.lock_user(user=user)
        connected = next((each for each in links.list_links(user.pk) if each.id == link_id), None)
        if connected is None:
            raise NotFound(link_id=link_id)
        links.remove(connected)
        sign_in_methods.require_sign_in_method(user_id=user.pk)
        subject = subject_of(user)
        recording.record(
            event_types.SOCIAL_ACCOUNT_UNLINKED,
            actor=subject,
            target=subject,
            data={"provider": connected.provider},
            now=now,
        )
        mail_queue.enqueue(
            user_id=user.pk,
            kind=mail_queue.MailKind.SOCIAL_ACCOUNT_UNLINKED,
            details={"provider": registry.display_name(connected.provider)},
            now=now,
        )


def reauthenticate(
    *, provider_id: str, callback: ProviderCallback, session_user: SessionUser, now: datetime
) -> datetime:
    """Record that the user of a session has just authenticated at a provider that is connected; return when.

    People without a password do this before a call that needs a recent sign-in. The provider was asked to authenticate
    them again; if it says when it did, that must be after the request (OpenID Connect Core, 3.1.2.1).

    Raises: NotFound, SocialTokenInvalid, ProviderUnavailable, and SessionRevoked of ``tokens``.
    """
    provider, user = registry.find(provider_id), session_user.user
    request, identity = _exchange(provider, callback, SocialPurpose.REAUTHENTICATE, session_user, now=now)
    holder = links.find(identity)
    reason = ""
    if holder is None or holder.user_id != user.pk:
        reason = "foreign_account"
    elif not _is_fresh(provider, identity, since=request.created_at):
        reason = "not_authenticated_anew"
    if reason:
        error = SocialTokenInvalid(reason=reason)
        raise provider_sign_in.record_refusal(error=error, provider=provider, user=user, now=now)
    subject = subject_of(user)
    with transaction.atomic():
        confirmed_at = sessions.record_reauthentication(
            session_id=session_user.session_id, amr=[provider_sign_in.FEDERATED], now=now
        )
        recording.record(
            event_types.REAUTHENTICATED,
            actor=subject,
            target=subject,
            session_id=session_user.session_id,
            data={"amr": [provider_sign_in.FEDERATED], "provider": provider.id},
            now=now,
        )
    return confirmed_at


def _exchange(
    provider: Provider, callback: ProviderCallback, purpose: SocialPurpose, session_user: SessionUser, *, now: datetime
) -> tuple[SocialAuthorization, ProviderIdentity]:
    try:
        return authorizations.exchange_code(
            provider=provider, callback=callback, purpose=purpose, session_user=session_user, now=now
        )
    except (SocialTokenInvalid, ProviderUnavailable) as error:
        raise provider_sign_in.record_refusal(error=error, provider=provider, user=session_user.user, now=now) from None


def _is_fresh(provider: Provider, identity: ProviderIdentity, *, since: datetime) -> bool:
    if identity.authenticated_at is None:
        # Google, Microsoft and Facebook don't say. Other providers have to when they are asked with max_age.
        return provider.kind != OPENID_CONNECT
    return identity.authenticated_at >= since - _LEEWAY


def _lock(user_id: UUID) -> User | None:
    return User.objects.present().select_for_update().filter(pk=user_id, is_active=True).first()
