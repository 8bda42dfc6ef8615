"""Sign-ins that wait for a second factor."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256

from django.db import transaction
from django.utils import timezone

from accounts import selectors
from accounts.models import SignInChallenge, User
from accounts.secrets import digest, mint

LIFETIME = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a sign-in still takes: a second factor by one of ``methods``, shown with ``token`` in time (seconds)."""

    token: str = field(repr=False)
    methods: tuple[str, ...]
    expires_in: int


def issue(
    *, user: User, amr: Sequence[str], upgraded_digest: str | None = None, now: datetime | None = None
) -> Challenge:
    """Remember that somebody's first factor was right; return what the second one is to be shown with.

    A cheaper password hash is upgraded on the way, since only now the password is known.
    """
    at = now or timezone.now()
    token = mint("cdc_")
    with transaction.atomic():
        if upgraded_digest and User.objects.filter(pk=user.pk, password=user.password).update(password=upgraded_digest):
            user.password = upgraded_digest
        SignInChallenge.objects.create(
            user=user, digest=digest(token), bound_to=binding(user=user), amr=list(amr), created_at=at,
            expires_at=at + LIFETIME,
        )  # fmt: skip
    return Challenge(
        token=token, methods=selectors.factor_methods(user_id=user.pk), expires_in=int(LIFETIME.total_seconds())
    )


def binding(*, user: User) -> bytes:
    """Return what a challenge of this person is bound to: it dies with the password that it was given for."""
    return sha256(user.password.encode()).digest()
