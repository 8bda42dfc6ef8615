"""Frozen values that cross layers."""

from dataclasses import dataclass
from enum import StrEnum

from django.utils.functional import Promise


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One thing that is wrong with one member of a request, by the codes of the contract."""

    field: str
    code: str
    message: str | Promise


@dataclass(frozen=True, slots=True)
class ProfileChange:
    """What a person wants to be different; ``None`` leaves a member as it is."""

    full_name: str | None = None
    locale: str | None = None


class FactorMethod(StrEnum):
    """A kind of second factor. The value is its name in the API."""

    TOTP = "totp"
    WEBAUTHN = "webauthn"
    RECOVERY_CODE = "recovery_code"
