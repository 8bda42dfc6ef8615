"""Codes of authenticator applications (RFC 6238) by allauth, each accepted once.

allauth remembers a used code for one period in the cache, which is too short where clocks may differ by a step. Here
the last accepted step is a column, and only a greater one is accepted.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from allauth.core.internal.cryptokit import compare_user_code
from allauth.mfa import app_settings
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value
from django.db import models

from accounts.factors.adapter import MFAAdapter, secret_of
from accounts.models import TotpSecret, User

TOLERANCE = 1  # steps by which a clock may be wrong (RFC 6238, 5.2)
_PROLOGUE = re.compile(r"^<\?xml[^>]*\?>\s*")


@dataclass(frozen=True, slots=True)
class Shown:
    """What an authenticator application is set up with: a key, or an image of it to scan."""

    secret: str = field(repr=False)
    url: str = field(repr=False)
    svg: str = field(repr=False)


def new_secret() -> str:
    """Return a key of 160 bits (RFC 4226, 4, R6), as people type it."""
    secret: str = generate_totp_secret()
    return secret


def show(*, user: User, secret: str) -> Shown:
    """Return a key in the forms that applications take. The image holds paths alone, no text and no script."""
    adapter = MFAAdapter()
    url = adapter.build_totp_url(user, secret)
    return Shown(secret=secret, url=url, svg=_PROLOGUE.sub("", adapter.build_totp_svg(url)))


def matching_step(*, secret: str, code: str, at: datetime) -> int | None:
    """Return the time step that a code belongs to, the latest if it were more than one; ``None`` for a wrong code."""
    present = int(at.timestamp()) // int(app_settings.TOTP_PERIOD)
    for step in range(present + TOLERANCE, max(0, present - TOLERANCE) - 1, -1):
        if compare_user_code(actual=code, expected=format_hotp_value(hotp_value(secret, step))):
            return step
    return None


def is_active(*, user_id: UUID) -> bool:
    """Whether somebody has an authenticator application."""
    return bool(_authenticators(user_id).exists())


def activate(*, user: User, secret: str, step: int, at: datetime) -> None:
    """Make a key count from now on; the code that it was confirmed by can't be used again."""
    with secret_of(TotpSecret, user.pk):
        TOTP.activate(user, secret)
    TotpSecret.objects.filter(pk=user.pk).update(last_step=step)
    _authenticators(user.pk).update(created_at=at)


def accept(*, user_id: UUID, code: str, at: datetime) -> bool:
    """Take a code if it is right and newer than the last one: one conditional statement decides."""
    row = TotpSecret.objects.filter(pk=user_id).first()
    step = None if row is None else matching_step(secret=row.secret, code=code, at=at)
    if step is None or not TotpSecret.objects.filter(pk=user_id, last_step__lt=step).update(last_step=step):
        return False
    _authenticators(user_id).update(last_used_at=at)
    return True


def remove(*, user_id: UUID) -> bool:
    """Forget somebody's key; ``False`` when there was none."""
    TotpSecret.objects.filter(pk=user_id).delete()
    deleted, _of_each = _authenticators(user_id).delete()
    return bool(deleted)


def _authenticators(user_id: UUID) -> models.QuerySet[Authenticator]:
    rows: models.QuerySet[Authenticator] = Authenticator.objects.filter(user_id=user_id, type=Authenticator.Type.TOTP)
    return rows
