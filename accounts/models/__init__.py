"""The rows of this app."""

from accounts.models.people import PasswordHistory, Tier, User
from accounts.models.sign_ins import SignInChallenge
from accounts.models.social import PresentedToken, ProviderToken, Purpose, SocialAuthorization

__all__ = [
    "PasswordHistory",
    "PresentedToken",
    "ProviderToken",
    "Purpose",
    "SignInChallenge",
    "SocialAuthorization",
    "Tier",
    "User",
]
