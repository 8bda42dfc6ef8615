"""The rows of this app."""

from accounts.models.factors import (
    Ceremony,
    FactorAttempts,
    Purpose,
    RecoverySecret,
    SecurityKey,
    TotpEnrolment,
    TotpSecret,
    WebAuthnHandle,
)
from accounts.models.people import PasswordHistory, Tier, User
from accounts.models.sign_ins import SignInChallenge

__all__ = [
    "Ceremony",
    "FactorAttempts",
    "PasswordHistory",
    "Purpose",
    "RecoverySecret",
    "SecurityKey",
    "SignInChallenge",
    "Tier",
    "TotpEnrolment",
    "TotpSecret",
    "User",
    "WebAuthnHandle",
]
