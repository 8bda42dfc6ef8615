"""The rows of this app."""

from accounts.models.mails import MailedToken, OutgoingMail, Purpose
from accounts.models.people import PasswordHistory, Tier, User
from accounts.models.sign_ins import SignInChallenge
from accounts.models.social import AuthorizationPurpose, PresentedToken, ProviderToken, SocialAuthorization

__all__ = [
    "AuthorizationPurpose",
    "MailedToken",
    "OutgoingMail",
    "PasswordHistory",
    "PresentedToken",
    "ProviderToken",
    "Purpose",
    "SignInChallenge",
    "SocialAuthorization",
    "Tier",
    "User",
]
