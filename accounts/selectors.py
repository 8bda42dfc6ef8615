"""Reads of this app. They neither lock nor write."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.hashers import is_password_usable

from accounts import event_types
from accounts.factors import enrolled, recovery_codes
from accounts.factors.protocol import EnrolledFactor
from accounts.identifiers.names import name_key
from accounts.models import (
    ImportedPerson,
    OutgoingMail,
    PasswordHistory,
    PendingRegistration,
    ResetOutcome,
    SecondFactorReset,
    SignInChallenge,
    SignInFailures,
    User,
)
from accounts.providers import links, registry
from accounts.providers.links import SocialLink
from accounts.providers.registry import Provider
from security_events.models import SecurityEvent


def user_by_identifier(*, name: str) -> User | None:
    """Return the account with a username or an address, active or not, unless it is deleted."""
    return User.objects.present().named(name).first()


def account_or_registration(*, name: str, at: datetime) -> tuple[User | None, PendingRegistration | None]:
    """Return the account or the pending registration with this name.

    An address finds accounts only, because several registrations may have it and the answer must not depend on whether
    it also has an account. There is one statement in all cases, so that the time reveals nothing about the result.
    """
    if "@" in name:
        return user_by_identifier(name=name), None
    return PendingRegistration.objects.account_or_registration(username=name, at=at)


def is_username_taken(*, username: str, at: datetime) -> bool:
    """Return whether an account or a pending registration has a username."""
    return PendingRegistration.objects.is_username_taken(username=username, at=at)


def password_digest(*, user_id: UUID) -> str:
    """Return the stored password hash, empty if there is none. The user of a request does not have it."""
    return User.objects.present().filter(pk=user_id).values_list("password", flat=True).first() or ""


def former_password_digests(*, user_id: UUID, count: int) -> list[str]:
    """Return the ``count`` latest password hashes before the current one, newest first."""
    rows = PasswordHistory.objects.filter(user_id=user_id).order_by("-created_at", "-pk")
    return list(rows.values_list("password", flat=True)[:count])


def identifier_owners(*, username: str, email_folded: str) -> tuple[UUID | None, UUID | None]:
    """Return the ids of the accounts with this username and with this address, deleted ones included. One query."""
    by_name: UUID | None = None
    by_email: UUID | None = None
    for holder in User.objects.holders(username=username, email_folded=email_folded):
        by_name = holder.user_id if holder.has_username else by_name
        by_email = holder.user_id if holder.has_address else by_email
    return by_name, by_email


def id_of_confirmed_address(*, address: str) -> str:
    """Return the id of the account whose address this is, empty if nobody has confirmed it."""
    user = User.objects.present().filter(email_folded=name_key(address)).first()
    return str(user.pk) if user is not None and user.is_email_confirmed else ""


def user_by_id(*, user_id: UUID | str) -> User | None:
    """Return an account by its id, deleted or not."""
    return User.objects.filter(pk=user_id).first()


def undeleted_user(*, user_id: UUID) -> User | None:
    """Return an account by its id, unless it is deleted."""
    return User.objects.present().filter(pk=user_id).first()


def factor_methods(*, user_id: UUID) -> tuple[str, ...]:
    """Return the methods of second factor that a user has, by their names in the API."""
    return enrolled.methods(user_id)


def social_accounts(*, user_id: UUID) -> list[SocialLink]:
    """Return the provider accounts that are linked to a user, oldest first."""
    return links.list_links(user_id)


def social_providers() -> tuple[Provider, ...]:
    """Return the configured sign-in providers."""
    return registry.all_providers()


@dataclass(frozen=True, slots=True)
class SecondFactors:
    """A user's second factors, the number of recovery codes left, and the reset that waits."""

    is_enabled: bool
    factors: list[EnrolledFactor]
    recovery_codes_left: int
    reset: SecondFactorReset | None


def second_factors(*, user_id: UUID) -> SecondFactors:
    """Return a user's second factors and when each was last used."""
    return SecondFactors(
        is_enabled=enrolled.has_any(user_id),
        factors=enrolled.list_factors(user_id),
        recovery_codes_left=recovery_codes.count_unused(user_id=user_id),
        reset=waiting_reset(user_id=user_id),
    )


def sign_in_challenge(*, digest: bytes) -> SignInChallenge | None:
    """Return a sign-in challenge with its user, completed and expired ones included."""
    return SignInChallenge.objects.select_related("user").filter(digest=digest, user__deleted_at__isnull=True).first()


def has_password(*, user_id: UUID) -> bool:
    """Return whether an account has a usable password, deleted or not."""
    digest = User.objects.filter(pk=user_id).values_list("password", flat=True).first()
    return bool(digest) and is_password_usable(digest)


def has_sign_in_method(*, user_id: UUID) -> bool:
    """Return whether a user has a first factor: a password, a provider or a passkey."""
    return has_password(user_id=user_id) or bool(links.list_links(user_id)) or enrolled.has_passkey(user_id)


@dataclass(frozen=True, slots=True)
class FactorDescription:
    """A second factor in the export of a user's data."""

    method: str
    name: str
    created_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class SocialDescription:
    """A linked provider account in the export of a user's data, with what the provider sent about the user."""

    provider: str
    uid: str
    profile: Mapping[str, Any]
    linked_at: datetime
    last_login_at: datetime


@dataclass(frozen=True, slots=True)
class ImportOrigin:
    """The system that a user was imported from, and their id there."""

    source: str
    external_id: str
    imported_at: datetime


def factor_descriptions(*, user_id: UUID) -> list[FactorDescription]:
    """Return a user's second factors without their secrets."""
    return [
        FactorDescription(
            method=factor.type, name=factor.name, created_at=factor.created_at, last_used_at=factor.last_used_at
        )
        for factor in enrolled.list_factors(user_id)
    ]


def social_descriptions(*, user_id: UUID) -> list[SocialDescription]:
    """Return the provider accounts that are linked to a user, without their tokens."""
    return [
        SocialDescription(
            provider=link.provider,
            uid=link.uid,
            profile=link.profile,
            linked_at=link.created_at,
            last_login_at=link.last_login_at,
        )
        for link in links.list_links(user_id)
    ]


def import_origins(*, user_id: UUID) -> list[ImportOrigin]:
    """Return the systems that a user was imported from."""
    rows = ImportedPerson.objects.filter(user_id=user_id).order_by("pk")
    return [ImportOrigin(**row) for row in rows.values("source", "external_id", "imported_at")]


def user_by_identifier_or_id(*, name: str) -> User | None:
    """Return the account with a username, an address or an id, deleted or not."""
    with suppress(ValueError):
        return user_by_id(user_id=UUID(name))
    return User.objects.get_queryset().named(name).first()


def count_failure_counters(*, user_id: UUID) -> int:
    """Return how many counters of failed sign-ins a user has that are not zero."""
    return SignInFailures.objects.filter(subject=str(user_id), count__gt=0).count()


def count_factor_failures(*, user_id: UUID, since: datetime, most: int) -> int:
    """Return how many second factors of a user failed after ``since``, at most ``most``."""
    # The user is the actor of these events, too. Ids begin with the time, so the index of actors finds the latest ones
    # alone. The index of targets leaves out events of their own actor: a condition on the target would read all events
    # since then: 105 ms instead of 0.02 with a million users.
    first = UUID(int=int(since.timestamp() * 1000) << 80)
    rows = SecurityEvent.objects.filter(actor_id=str(user_id), pk__gt=first, occurred_at__gt=since)
    return rows.exclude(actor_id="").filter(type=event_types.MFA_FAILED.id)[:most].count()


def waiting_reset(*, user_id: UUID) -> SecondFactorReset | None:
    """Return the reset of second factors that waits for a user."""
    return SecondFactorReset.objects.waiting().filter(user_id=user_id).first()


def latest_reset(*, user_id: UUID) -> SecondFactorReset | None:
    """Return the last reset of second factors that was requested for a user, whether it waits or has ended."""
    return SecondFactorReset.objects.filter(user_id=user_id).order_by("-requested_at", "-pk").first()


def stopped_resets(*, since: datetime, most: int) -> list[SecondFactorReset]:
    """Return the resets that were stopped by a mailed link at ``since`` or later, with their users, newest first."""
    rows = SecondFactorReset.objects.filter(outcome=ResetOutcome.STOPPED, closed_at__gte=since)
    return list(rows.select_related("user").defer("user__password").order_by("-closed_at")[:most])


def notified_addresses(*, user_id: UUID, kind: str) -> list[str]:
    """Return the addresses to which mails of this kind were queued for a user in the last 30 days, the oldest first."""
    rows = OutgoingMail.objects.filter(user_id=user_id, kind=kind).order_by("created_at", "pk")
    return list(rows.values_list("address", flat=True))


def was_mailed(*, user_id: UUID, kind: str, since: datetime) -> bool:
    """Return whether a mail of this kind was queued for a user after ``since``."""
    return OutgoingMail.objects.filter(user_id=user_id, kind=kind, created_at__gt=since).exists()
