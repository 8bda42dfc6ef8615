"""Reads."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.hashers import is_password_usable
from django.contrib.auth.models import Permission
from django.db.models import Q

from accounts import event_types
from accounts.factors import enrolled, recovery_codes
from accounts.factors.protocol import EnrolledFactor
from accounts.models import (
    ImportedPerson,
    OutgoingMail,
    PasswordHistory,
    PendingRegistration,
    SignInChallenge,
    SignInFailures,
    User,
)
from accounts.providers import links, registry
from accounts.providers.links import SocialLink
from accounts.providers.registry import Provider
from accounts.rules.ranks import Rights
from security_events.models import SecurityEvent


def user_for_sign_in(*, name: str) -> User | None:
    """Return whom a username or an address names, whatever the state of the account, deleted ones left out."""
    return User.objects.present().named(name).first()


def find_for_sign_in(*, name: str, at: datetime) -> tuple[User | None, PendingRegistration | None]:
    """Return the account, or the registration that waits for its confirmation, that a name belongs to.

    An address names no registration: there may be several, and whether there is an account beside them is not to be
    told. One statement in any case, so that the time doesn't tell which of the two it was, or that it was neither.
    """
    if "@" in name:
        return user_for_sign_in(name=name), None
    return PendingRegistration.objects.account_or_registration(username=name, at=at)


def is_username_taken(*, username: str, at: datetime) -> bool:
    """Tell whether an account, or a registration that waits for its confirmation, has a username."""
    return PendingRegistration.objects.is_username_taken(username=username, at=at)


def password_digest(*, user_id: UUID) -> str:
    """Return the stored password hash, which the signed-in user's object does not carry; empty when there is none."""
    return User.objects.present().filter(pk=user_id).values_list("password", flat=True).first() or ""


def former_password_digests(*, user_id: UUID, count: int) -> list[str]:
    """Return the latest password hashes before the current one, newest first."""
    rows = PasswordHistory.objects.filter(user_id=user_id).order_by("-created_at", "-pk")
    return list(rows.values_list("password", flat=True)[:count])


def holders_of_identifiers(*, username: str, email_folded: str) -> tuple[UUID | None, UUID | None]:
    """Return who has this username and who has this address, in one statement, deleted accounts included."""
    by_name: UUID | None = None
    by_email: UUID | None = None
    for holder in User.objects.holders(username=username, email_folded=email_folded):
        by_name = holder.user_id if holder.has_username else by_name
        by_email = holder.user_id if holder.has_address else by_email
    return by_name, by_email


def user_by_id(*, user_id: UUID | str) -> User | None:
    """Return somebody by key, deleted people included."""
    return User.objects.filter(pk=user_id).first()


def present_user(*, user_id: UUID) -> User | None:
    """Return somebody by key, unless they asked to be deleted."""
    return User.objects.present().filter(pk=user_id).first()


def rights_of(*, user: User) -> Rights:
    """Return what an account may do by its own permissions and those of its groups, whether or not it is active."""
    rows = Permission.objects.filter(Q(user=user.pk) | Q(group__user=user.pk)).order_by()
    names = rows.values_list("content_type__app_label", "codename").distinct()
    return Rights(
        is_superuser=user.is_superuser,
        is_staff=user.is_staff,
        permissions=frozenset(f"{app}.{codename}" for app, codename in names),
    )


def factor_methods(*, user_id: UUID) -> tuple[str, ...]:
    """Name the ways in which somebody can show a second factor, by the members of the contract."""
    return enrolled.methods(user_id)


def social_accounts(*, user_id: UUID) -> list[SocialLink]:
    """Return the accounts of providers that somebody is connected to, the oldest first."""
    return links.list_links(user_id)


def social_providers() -> tuple[Provider, ...]:
    """Return the providers by which people may sign in."""
    return registry.all_providers()


@dataclass(frozen=True, slots=True)
class SecondFactors:
    """What somebody can prove a second time with."""

    is_enabled: bool
    factors: list[EnrolledFactor]
    recovery_codes_left: int


def second_factors(*, user_id: UUID) -> SecondFactors:
    """Return somebody's second factors and when each was last used."""
    return SecondFactors(
        is_enabled=enrolled.has_any(user_id),
        factors=enrolled.list_factors(user_id),
        recovery_codes_left=recovery_codes.count_unused(user_id=user_id),
    )


def user_with_challenge(*, digest: bytes) -> SignInChallenge | None:
    """Return a sign-in that waits for its second factor, with the person, whether or not it is over."""
    return SignInChallenge.objects.select_related("user").filter(digest=digest, user__deleted_at__isnull=True).first()


def has_password(*, user_id: UUID) -> bool:
    """Tell whether somebody can sign in with a password, deleted people included."""
    digest = User.objects.filter(pk=user_id).values_list("password", flat=True).first()
    return bool(digest) and is_password_usable(digest)


def has_sign_in_method(*, user_id: UUID) -> bool:
    """Tell whether somebody can begin a sign-in: by a password, at a provider or with a passkey."""
    return has_password(user_id=user_id) or bool(links.list_links(user_id)) or enrolled.has_passkey(user_id)


def factor_descriptions(*, user_id: UUID) -> list[dict[str, Any]]:
    """Return somebody's second factors as they may be shown to their owner."""
    return [
        {
            "method": factor.type,
            "name": factor.name,
            "created_at": factor.created_at,
            "last_used_at": factor.last_used_at,
        }
        for factor in enrolled.list_factors(user_id)
    ]


def social_descriptions(*, user_id: UUID) -> list[dict[str, Any]]:
    """Return the accounts of other providers that somebody is connected to."""
    return [
        {
            "provider": link.provider,
            "uid": link.uid,
            "profile": link.profile,
            "linked_at": link.created_at,
            "last_login_at": link.last_login_at,
        }
        for link in links.list_links(user_id)
    ]


def import_origins(*, user_id: UUID) -> list[dict[str, Any]]:
    """Return where somebody's account was imported from."""
    rows = ImportedPerson.objects.filter(user_id=user_id).order_by("pk")
    return [dict(row) for row in rows.values("source", "external_id", "imported_at")]


def user_by_name_or_id(*, name: str) -> User | None:
    """Return whom a username, an address or a whole id names, deleted people included."""
    with suppress(ValueError):
        return user_by_id(user_id=UUID(name))
    return User.objects.get_queryset().named(name).first()


def counts_of_failures(*, user_id: UUID) -> int:
    """Return in how many ways failed sign-ins are counted for somebody at the moment."""
    return SignInFailures.objects.filter(subject=str(user_id), count__gt=0).count()


def wrong_factors(*, user_id: UUID, since: datetime, most: int) -> int:
    """Return how many wrong second factors were shown for somebody since then, up to ``most``."""
    # By their ids, which begin with the time and are indexed with the target, and not through a whole history.
    first = UUID(int=int(since.timestamp() * 1000) << 80)
    rows = SecurityEvent.objects.filter(target_id=str(user_id), pk__gt=first, occurred_at__gt=since)
    return rows.filter(type=event_types.MFA_FAILED.id)[:most].count()


def was_mailed(*, user_id: UUID, kind: str, since: datetime) -> bool:
    """Tell whether there was reason for a mail of this kind to somebody since then."""
    return OutgoingMail.objects.filter(user_id=user_id, kind=kind, created_at__gt=since).exists()
