"""Find, create or reclaim the local account that belongs to an account at a provider."""

from datetime import datetime

from django.contrib.auth.hashers import make_password
from django.db import transaction

from accounts import event_types
from accounts.conf import account_settings
from accounts.errors import AccountDisabled, ProviderAddressUnverified, ProviderUnavailable
from accounts.identifiers.names import fold_email, username_candidates
from accounts.models import PendingRegistration, User
from accounts.providers import links
from accounts.providers.identity import ProviderIdentity
from accounts.providers.registry import Provider
from accounts.rules.account_linking import LINKING_TABLE, LinkingAction, LocalAccountState, provider_trust
from accounts.rules.address_proofs import AddressProof
from accounts.services.addresses import address_proofs
from accounts.services.mailing import mail_queue
from security_events.services import recording
from tokens.users import subject_of

# Only a fault lets simultaneous sign-ins of one person overtake each other more often.
_MAX_ATTEMPTS = 5


class _Overtaken(Exception):
    """Another transaction has connected the same account of the provider: roll back and start again."""


def resolve_user(*, provider: Provider, identity: ProviderIdentity, now: datetime, locale: str = "en") -> User:
    """Return the user of an identity. ``accounts.rules.account_linking`` decides whether to create or link an account.

    Of simultaneous first sign-ins of one person one creates the account, and all return it.

    Raises: ProviderAddressUnverified, AccountDisabled, ProviderUnavailable.
    """
    for _attempt in range(_MAX_ATTEMPTS):
        link = links.find(identity)
        if link is not None:
            user = User.objects.filter(pk=link.user_id).first()
            if user is not None and user.deleted_at is not None:
                raise AccountDisabled(reason="deleted")
            if user is not None:
                links.record_sign_in(identity, now=now)
                return user
        try:
            with transaction.atomic():
                action, user = _join(provider, identity, locale=locale, now=now)
        except _Overtaken:
            continue
        if action is LinkingAction.REFUSE_UNVERIFIED:
            raise ProviderAddressUnverified(reason="unverified_address")
        if action is LinkingAction.REFUSE_CLOSED or user is None:
            raise AccountDisabled(reason="closed_account")
        return user
    raise ProviderUnavailable(reason="contended")


def record_linked(*, user: User, provider: Provider, now: datetime) -> None:
    """Record in the caller's transaction that an account at a provider was connected, and mail that to the user."""
    subject = subject_of(user)
    recording.record(
        event_types.SOCIAL_ACCOUNT_LINKED, actor=subject, target=subject, data={"provider": provider.id}, now=now
    )
    mail_queue.enqueue(
        user_id=user.pk, kind=mail_queue.MailKind.SOCIAL_ACCOUNT_LINKED, details={"provider": provider.name}, now=now
    )


def _join(
    provider: Provider, identity: ProviderIdentity, *, locale: str, now: datetime
) -> tuple[LinkingAction, User | None]:
    if identity.email is None:
        return LinkingAction.REFUSE_UNVERIFIED, None
    # The lock keeps the password, the sessions and the links of the account unchanged until this is decided.
    user = User.objects.select_for_update().filter(email_folded=fold_email(identity.email)).first()
    worth = provider_trust(provider.trusted_for_email, identity.email)
    action = LINKING_TABLE[identity.is_email_verified, worth][_state(user)]
    if action in (LinkingAction.REFUSE_UNVERIFIED, LinkingAction.REFUSE_CLOSED):
        return action, None
    if action is LinkingAction.RECLAIM and user is not None:
        _reclaim(user, provider, identity, now=now)
    elif user is None:
        user = _create(provider, identity, locale=locale, now=now)
    if links.add(identity, user_id=user.pk, now=now) is None:
        raise _Overtaken
    record_linked(user=user, provider=provider, now=now)
    return action, user


def _state(user: User | None) -> LocalAccountState:
    if user is None:
        return LocalAccountState.NONE
    if user.deleted_at is not None:
        return LocalAccountState.DELETED
    if not user.is_active:
        return LocalAccountState.DISABLED
    return LocalAccountState.CONFIRMED if user.is_email_confirmed else LocalAccountState.UNCONFIRMED


def _create(provider: Provider, identity: ProviderIdentity, *, locale: str, now: datetime) -> User:
    email = identity.email or ""
    for username in username_candidates(identity.nickname, identity.name):
        if username.lower() in account_settings.RESERVED_USERNAMES:
            continue
        registrations = PendingRegistration.objects
        if not registrations.lock_username(username, waits=False) or registrations.named(username, at=now) is not None:
            continue
        user = User(
            username=username,
            email=email,
            email_folded=fold_email(email),
            email_confirmed_at=now,
            full_name=identity.name,
            locale=locale,
            password=make_password(None),
            created_at=now,
            updated_at=now,
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


def _reclaim(user: User, provider: Provider, identity: ProviderIdentity, *, now: datetime) -> None:
    """Give an account to the owner of its address: no credential of the person who registered it stays valid."""
    changes = {"email": identity.email, "full_name": identity.name}
    applied = address_proofs.apply_proof(user=user, proof=AddressProof.PROVIDER, changes=changes, now=now)
    user.refresh_from_db()
    subject = subject_of(user)
    recording.record(
        event_types.SOCIAL_ACCOUNT_PREEMPTED,
        actor=subject,
        target=subject,
        data={"provider": provider.id, **applied.counts},
        now=now,
    )
