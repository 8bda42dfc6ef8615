"""Codes of authenticator applications (RFC 6238) as a second factor, each accepted once.

The last accepted time step is a column, and only a later one is accepted. allauth's own check remembers a used code for
one period in the cache, which is too short when a clock may be wrong by a step: one code was accepted three times.
"""

import base64
import re
import secrets
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from allauth.mfa import app_settings
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import encrypt
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor import InvalidToken
from cryptography.hazmat.primitives.twofactor.hotp import HOTP
from django.db import models

from accounts.errors import MfaCodeInvalid
from accounts.factors import amr, secret_rows
from accounts.factors.adapter import MFAAdapter, secret_of
from accounts.factors.protocol import EnrolledFactor
from accounts.factors.webauthn_challenges import ChallengeBinding
from accounts.models import TotpSecret, User
from accounts.types import FactorMethod

IS_SUBSTITUTE = False
IS_GUESSABLE = True

TOLERANCE = 1  # time steps by which a clock may be wrong (RFC 6238, 5.2)
_SECRET_BYTES = 20  # 160 bits (RFC 4226, 4, R6)
_SEPARATORS = str.maketrans("", "", string.punctuation + string.whitespace)
_XML_DECLARATION = re.compile(r"^<\?xml[^>]*\?>\s*")


@dataclass(frozen=True, slots=True)
class TotpProvisioning:
    """A secret in the forms that authenticator applications take: text, an otpauth URL, and its QR code as SVG."""

    secret: str = field(repr=False)
    url: str = field(repr=False)
    svg: str = field(repr=False)


def generate_secret() -> str:
    """Return a new random secret in base 32, as people type it."""
    return base64.b32encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def provision(*, user: User, secret: str) -> TotpProvisioning:
    """Return what an application is set up with. The SVG consists of paths only, without text or script."""
    adapter = MFAAdapter()
    url = adapter.build_totp_url(user, secret)
    return TotpProvisioning(secret=secret, url=url, svg=_XML_DECLARATION.sub("", adapter.build_totp_svg(url)))


def matching_step(*, secret: str, code: str, at: datetime) -> int | None:
    """Return the latest time step near ``at`` that a code belongs to; ``None`` for a wrong code."""
    hotp = HOTP(base64.b32decode(secret, casefold=True), int(app_settings.TOTP_DIGITS), SHA1())  # noqa: S303 - RFC 6238
    given = code.translate(_SEPARATORS).encode(errors="replace")
    present = int(at.timestamp()) // int(app_settings.TOTP_PERIOD)
    for step in range(present + TOLERANCE, max(0, present - TOLERANCE) - 1, -1):
        try:
            hotp.verify(given, step)
        except InvalidToken:
            continue
        return step
    return None


def is_active(*, user_id: UUID) -> bool:
    """Tell whether a user has an authenticator application."""
    return bool(_authenticators(user_id).exists())


def activate(*, user: User, secret: str, step: int, now: datetime) -> None:
    """Make a secret count. ``step`` is that of the code that confirmed it, which can't be used again."""
    with secret_of(TotpSecret, user.pk):
        data = {"secret": encrypt(secret)}
    Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data=data, created_at=now)
    TotpSecret.objects.filter(pk=user.pk).update(last_step=step)


def verify(*, user: User, response: Any, binding: ChallengeBinding, now: datetime) -> list[str]:
    """Accept a code that is right and newer than the last accepted one; one conditional statement decides.

    A code is bound to nothing.

    Raises: MfaCodeInvalid.
    """
    row = TotpSecret.objects.filter(pk=user.pk).first()
    step = None if row is None else matching_step(secret=row.secret, code=response, at=now)
    if step is None or not TotpSecret.objects.filter(pk=user.pk, last_step__lt=step).update(last_step=step):
        raise MfaCodeInvalid
    _authenticators(user.pk).update(last_used_at=now)
    return list(amr.OF_CODES)


def describe(rows: Sequence[Authenticator]) -> Mapping[int, EnrolledFactor]:
    """Return what the owner of ``rows`` sees, by the primary key of the row."""
    return secret_rows.describe(rows, model=TotpSecret, method=FactorMethod.TOTP)


def remove(*, user_id: UUID, factor_id: UUID | None = None) -> bool:
    """Delete a user's authenticator application, of which there is at most one; ``False`` when there is none."""
    return secret_rows.remove(_authenticators(user_id), model=TotpSecret, user_id=user_id)


def _authenticators(user_id: UUID) -> models.QuerySet[Authenticator]:
    return secret_rows.authenticators(user_id=user_id, authenticator_type=Authenticator.Type.TOTP)
