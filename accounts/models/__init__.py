"""The rows of this app."""

from accounts.models.people import PasswordHistory, Tier, User
from accounts.models.sign_ins import SignInChallenge

__all__ = ["PasswordHistory", "SignInChallenge", "Tier", "User"]
