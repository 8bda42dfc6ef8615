"""Frozen values that several layers use."""

from dataclasses import dataclass
from enum import StrEnum

from django.utils.functional import Promise


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """A problem of one member of a request, with its error code in the API."""

    field: str
    code: str
    message: str | Promise


@dataclass(frozen=True, slots=True)
class ProfileChange:
    """New values of a profile. ``None`` leaves a member as it is."""

    full_name: str | None = None
    locale: str | None = None


class FactorMethod(StrEnum):
    """A kind of second factor. The value is its name in the API."""

    TOTP = "totp"
    WEBAUTHN = "webauthn"
    RECOVERY_CODE = "recovery_code"
