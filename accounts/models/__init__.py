"""The rows of this app."""

from accounts.models.attack_responses import FactorLock, ProofCode
from accounts.models.factor_resets import ResetOutcome, SecondFactorReset
from accounts.models.factors import (
    Ceremony,
    CeremonyPurpose,
    RecoverySecret,
    SecurityKey,
    SignInChallenge,
    TotpEnrolment,
    TotpSecret,
    WebAuthnHandle,
)
from accounts.models.importing import ImportedPerson, ImportRun
from accounts.models.mailing import MailBudget, MailedToken, MailedTokenPurpose, OutgoingMail
from accounts.models.passwords import KnownClient, SignInFailures
from accounts.models.sign_in import PendingRegistration
from accounts.models.social import PresentedToken, ProviderToken, SocialAuthorization, SocialPurpose
from accounts.models.users import PasswordHistory, Tier, User

__all__ = [
    "Ceremony",
    "CeremonyPurpose",
    "FactorLock",
    "ImportRun",
    "ImportedPerson",
    "KnownClient",
    "MailBudget",
    "MailedToken",
    "MailedTokenPurpose",
    "OutgoingMail",
    "PasswordHistory",
    "PendingRegistration",
    "PresentedToken",
    "ProofCode",
    "ProviderToken",
    "RecoverySecret",
    "ResetOutcome",
    "SecondFactorReset",
    "SecurityKey",
    "SignInChallenge",
    "SignInFailures",
    "SocialAuthorization",
    "SocialPurpose",
    "Tier",
    "TotpEnrolment",
    "TotpSecret",
    "User",
    "WebAuthnHandle",
]
