"""The rows of this app."""

from accounts.models.imports import ImportedPerson, ImportRun
from accounts.models.people import PasswordHistory, Tier, User
from accounts.models.sign_ins import SignInChallenge

__all__ = ["ImportRun", "ImportedPerson", "PasswordHistory", "SignInChallenge", "Tier", "User"]
