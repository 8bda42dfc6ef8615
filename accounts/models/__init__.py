"""The rows of this app."""

from accounts.models.mails import MailedToken, OutgoingMail, Purpose
from accounts.models.people import PasswordHistory, Tier, User
from accounts.models.sign_ins import SignInChallenge

__all__ = ["MailedToken", "OutgoingMail", "PasswordHistory", "Purpose", "SignInChallenge", "Tier", "User"]
