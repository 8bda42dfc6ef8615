"""Reads."""

from uuid import UUID

from accounts.factors import enrolled
from accounts.models import PasswordHistory, SignInFailures, User


def user_for_sign_in(*, name: str) -> User | None:
    """Return whom a username or an address names, whatever the state of the account, deleted ones left out."""
    return User.objects.present().named(name).first()


def password_digest(*, user_id: UUID) -> str:
    """Return the stored password hash, which the signed-in user's object does not carry; empty when there is none."""
    return User.objects.present().filter(pk=user_id).values_list("password", flat=True).first() or ""


def former_password_digests(*, user_id: UUID, count: int) -> list[str]:
    """Return the latest password hashes before the current one, newest first."""
    rows = PasswordHistory.objects.filter(user_id=user_id).order_by("-created_at", "-pk")
    return list(rows.values_list("password", flat=True)[:count])


def takers(*, username: str, email_folded: str) -> tuple[UUID | None, UUID | None]:
    """Return who has this username and who has this address, in one statement, deleted people included."""
    by_name: UUID | None = None
    by_email: UUID | None = None
    for user_id, has_name, has_email in User.objects.holders(username=username, email_folded=email_folded):
        by_name = user_id if has_name else by_name
        by_email = user_id if has_email else by_email
    return by_name, by_email


def user_by_id(*, user_id: UUID | str) -> User | None:
    """Return somebody by key, deleted people included."""
    return User.objects.filter(pk=user_id).first()


def factor_methods(*, user_id: UUID) -> tuple[str, ...]:
    """Name the ways in which somebody can show a second factor, by the members of the contract."""
    return enrolled.methods(user_id)


def counts_of_failures(*, user_id: UUID) -> int:
    """Return in how many ways failed sign-ins are counted for somebody at the moment."""
    return SignInFailures.objects.filter(subject=str(user_id), count__gt=0).count()
