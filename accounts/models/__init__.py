"""The rows of this app."""

from accounts.models.attempts import FamiliarPlace, SignInFailures
from accounts.models.people import PasswordHistory, Tier, User
from accounts.models.sign_ins import SignInChallenge

__all__ = ["FamiliarPlace", "PasswordHistory", "SignInChallenge", "SignInFailures", "Tier", "User"]
