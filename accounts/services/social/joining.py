"""Find, open or reclaim the account here that belongs to an account of a provider."""

from datetime import datetime

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.utils import timezone

from accounts import event_types
from accounts.conf import account_settings
from accounts.errors import AccountDisabled, ProviderAddressUnverified, ProviderUnavailable
from accounts.identifiers import fold_email, username_candidates
from accounts.models import PendingRegistration, User
from accounts.providers import links
from accounts.providers.identity import ProviderIdentity
from accounts.providers.registry import Provider
from accounts.rules.account_linking import LINKING_TABLE, LinkingAction, LocalAccountState, provider_trust
from accounts.rules.address_proofs import Proof
from accounts.services.addresses import address_proofs
from accounts.services.mailing import mail_queue
from security_events.services import recording
from tokens.users import subject_of

# Somebody else was faster so often only if something is wrong.
_ATTEMPTS = 5


class _Overtaken(Exception):
    """Somebody else connected the same account of the provider meanwhile: what was done is undone, and begun again."""


def settle(*, provider: Provider, identity: ProviderIdentity, locale: str = "en", now: datetime | None = None) -> User:
    """Return whose account it is, after connecting it where the table of ``accounts.rules.account_linking`` says so.

    Of simultaneous first sign-ins of one person one opens the account, and all get the same.

    Raises: ProviderAddressUnverified, AccountDisabled, ProviderUnavailable.
    """
    at = now or timezone.now()
    for _attempt in range(_ATTEMPTS):
        link = links.find(identity)
        if link is not None:
            user = User.objects.filter(pk=link.user_id).first()
            if user is not None and user.deleted_at is not None:
                raise AccountDisabled(reason="deleted")
            if user is not None:
                links.touch(identity, now=at)
                return user
        try:
            with transaction.atomic():
                action, user = _join(provider, identity, locale=locale, at=at, now=now)
        except _Overtaken:
            continue
        if action is LinkingAction.REFUSE_UNVERIFIED:
            raise ProviderAddressUnverified(reason="unverified_address")
        if action is LinkingAction.REFUSE_CLOSED or user is None:
            raise AccountDisabled(reason="closed_account")
        return user
    raise ProviderUnavailable(reason="contended")


def announce(*, user: User, provider: Provider, now: datetime | None = None) -> None:
    """Record and tell the person that an account of a provider was connected, in the caller's transaction."""
    subject = subject_of(user)
    recording.record(
        event_types.SOCIAL_ACCOUNT_LINKED, actor=subject, target=subject, data={"provider": provider.id}, now=now
    )
    mail_queue.enqueue(
        user_id=user.pk, kind=mail_queue.Kind.SOCIAL_ACCOUNT_LINKED, details={"provider": provider.name}, now=now
    )


def _join(
    provider: Provider, identity: ProviderIdentity, *, locale: str, at: datetime, now: datetime | None
) -> tuple[LinkingAction, User | None]:
    if identity.email is None:
        return LinkingAction.REFUSE_UNVERIFIED, None
    # The lock keeps passwords, sessions and other links of the account as they are until this is decided.
    user = User.objects.select_for_update().filter(email_folded=fold_email(identity.email)).first()
    worth = provider_trust(provider.trusted_for_email, identity.email)
    action = LINKING_TABLE[identity.is_email_verified, worth][_state(user)]
    if action in (LinkingAction.REFUSE_UNVERIFIED, LinkingAction.REFUSE_CLOSED):
        return action, None
    if action is LinkingAction.RECLAIM and user is not None:
        _reclaim(user, provider, identity, now=now)
    elif user is None:
        user = _open(provider, identity, locale=locale, at=at, now=now)
    if links.add(identity, user_id=user.pk, now=at) is None:
        raise _Overtaken
    announce(user=user, provider=provider, now=now)
    return action, user


def _state(user: User | None) -> LocalAccountState:
    if user is None:
        return LocalAccountState.NONE
    if user.deleted_at is not None:
        return LocalAccountState.DELETED
    if not user.is_active:
        return LocalAccountState.DISABLED
    return LocalAccountState.CONFIRMED if user.is_email_confirmed else LocalAccountState.UNCONFIRMED


def _open(provider: Provider, identity: ProviderIdentity, *, locale: str, at: datetime, now: datetime | None) -> User:
    email = identity.email or ""
    for username in username_candidates(identity.nickname, identity.name):
        if username.lower() in account_settings.RESERVED_USERNAMES:
            continue
        registrations = PendingRegistration.objects
        if not registrations.lock_username(username, waits=False) or registrations.named(username, at=at) is not None:
            continue
        user = User(
            username=username,
            email=email,
            email_folded=fold_email(email),
            email_confirmed_at=at,
            full_name=identity.name,
            locale=locale,
            password=make_password(None),
            created_at=at,
            updated_at=at,
        )
        if User.objects.insert_unless_taken(user):
            subject = subject_of(user)
            recording.record(
                event_types.ACCOUNT_REGISTERED, actor=subject, target=subject, data={"provider": provider.id}, now=now
            )
            return user
        if User.objects.filter(email_folded=user.email_folded).exists():
            break
    raise _Overtaken


def _reclaim(user: User, provider: Provider, identity: ProviderIdentity, *, now: datetime | None) -> None:
    """Hand an account to the owner of its address: nothing of whoever registered it lets them in any more."""
    changes = {"email": identity.email, "full_name": identity.name}
    accepted = address_proofs.accept(user=user, proof=Proof.PROVIDER, changes=changes, now=now)
    user.refresh_from_db()
    subject = subject_of(user)
    recording.record(
        event_types.SOCIAL_ACCOUNT_PREEMPTED,
        actor=subject,
        target=subject,
        data={"provider": provider.id, **accepted.counts},
        now=now,
    )
