"""The rows of this app."""

from accounts.models.people import PasswordHistory, Tier, User
from accounts.models.sign_ins import SignInChallenge
from accounts.models.social import PresentedToken, ProviderToken, SocialAuthorization, SocialPurpose

__all__ = [
    "PasswordHistory",
    "PresentedToken",
    "ProviderToken",
    "SignInChallenge",
    "SocialAuthorization",
    "SocialPurpose",
    "Tier",
    "User",
]
