"""The rows of this app."""

from accounts.models.attempts import FamiliarPlace, SignInFailures
from accounts.models.factors import (
    Ceremony,
    CeremonyPurpose,
    RecoverySecret,
    SecurityKey,
    TotpEnrolment,
    TotpSecret,
    WebAuthnHandle,
)
from accounts.models.imports import ImportedPerson, ImportRun
from accounts.models.mails import MailBudget, MailedToken, OutgoingMail, Purpose
from accounts.models.people import PasswordHistory, Tier, User
from accounts.models.registrations import PendingRegistration
from accounts.models.sign_ins import SignInChallenge
from accounts.models.social import PresentedToken, ProviderToken, SocialAuthorization, SocialPurpose

__all__ = [
    "Ceremony",
    "CeremonyPurpose",
    "FamiliarPlace",
    "ImportRun",
    "ImportedPerson",
    "MailBudget",
    "MailedToken",
    "OutgoingMail",
    "PasswordHistory",
    "PendingRegistration",
    "PresentedToken",
    "ProviderToken",
    "Purpose",
    "RecoverySecret",
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
