"""The errors of this app. ``accounts.api.problems`` gives each its HTTP status."""

from collections.abc import Sequence

from django.utils.translation import gettext_lazy as _

from accounts.types import FieldProblem
from cedrina_base.errors import AppError


class AccountError(AppError):
    """Root of this app's errors. The class is for the security events, the code for the client."""

    code = "validation_error"
    message = _("The request can't be carried out.")


class DetailsInvalid(AccountError):
    """A username, an address or a password is not acceptable. ``problems`` says why, for each member."""

    message = _("Some details are not valid.")

    def __init__(self, problems: Sequence[FieldProblem]) -> None:
        super().__init__()
        self.problems = tuple(problems)


class UsernameTaken(AccountError):
    """Another account has this username; upper and lower case make no difference."""

    code = "username_taken"
    message = _("This username is taken.")


class EmailTaken(AccountError):
    """Another account has this address. Only raised where EMAIL_CONFIRMATION is ``optional``."""

    code = "email_taken"
    message = _("This e-mail address is already registered.")


class CredentialsInvalid(AccountError):
    """The name or the password is wrong. The client is not told which one (OWASP ASVS 5.0, 6.3.8)."""

    code = "invalid_credentials"
    message = _("The name or the password is wrong.")


class AccountDisabled(AccountError):
    """The first factor was right, but the account is closed."""

    code = "account_disabled"
    message = _("This account is disabled.")


class EmailNotConfirmed(AccountError):
    """The first factor was right, but the address is not confirmed yet."""

    code = "email_not_confirmed"
    message = _("The e-mail address of this account is not confirmed yet.")


class PasswordResetRequired(AccountError):
    """The password was right, but an operator demands a new one. Other sign-in methods still work."""

    code = "password_reset_required"
    message = _("You must choose a new password. Use the link that was mailed to you, or ask for another one.")


class VersionMismatch(AccountError):
    """The account was changed since the caller read it (RFC 9110, 15.5.13)."""

    code = "version_mismatch"
    message = _("The account was changed in the meantime. Read it again.")


class MailedTokenInvalid(AccountError):
    """A mailed token is unknown, used, expired, or bound to a state that has changed since (ASVS 5.0, 6.5.5)."""

    code = "invalid_or_expired_token"
    message = _("This link is not valid any more. Ask for a new one.")


class MfaCodeInvalid(AccountError):
    """A code of a second factor was wrong, or was used before (RFC 6238, 5.2)."""

    code = "invalid_mfa_code"
    message = _("The code is wrong or was used before.")


class CredentialRefused(MfaCodeInvalid):
    """A WebAuthn response failed a check of WebAuthn Level 2, 7.1 or 7.2. The client is not told which one."""

    message = _("The security key was not accepted.")


class SignCountRegressed(CredentialRefused):
    """A security key's counter did not increase: there may be a copy of it (WebAuthn Level 2, 7.2, step 21)."""


class PasskeyRefused(CredentialsInvalid):
    """A sign-in by passkey failed. Unknown keys, keys of other users and wrong signatures get the same answer."""

    message = _("The passkey was not accepted.")


class SignInChallengeInvalid(AccountError):
    """The sign-in of this second factor is unknown, completed or expired. It must begin again."""

    code = "invalid_or_expired_token"
    message = _("This sign-in took too long. Begin again.")


class RetryLater(AccountError):
    """The same request may succeed after ``retry_after`` seconds (RFC 9110, 10.2.3)."""

    code = "service_unavailable"
    message = _("Try again in a moment.")

    def __init__(self, *, retry_after: int, **context: object) -> None:
        super().__init__(**context)
        self.retry_after = retry_after


class AttemptsExhausted(RetryLater):
    """Too many wrong attempts: further ones, right or wrong, are not checked for a while (ASVS 5.0, 6.3.1)."""

    code = "too_many_attempts"
    message = _("Too many wrong tries. Wait before you try again.")


class SocialTokenInvalid(AccountError):
    """A provider's token or response is not valid."""

    code = "invalid_social_token"
    message = _("What the provider sent was not accepted.")


class ProviderUnavailable(RetryLater):
    """The provider is down or too slow, or the limit of concurrent requests to it is reached."""

    message = _("The provider doesn't answer. Try again in a moment.")

    def __init__(self, *, retry_after: int = 5, **context: object) -> None:
        super().__init__(retry_after=retry_after, **context)


class ProviderAddressUnverified(EmailNotConfirmed):
    """The provider has not verified the address.

    Free and taken addresses get the same answer, so that an unverified address can't reveal who has an account.
    """

    message = _(
        "The provider has not confirmed your e-mail address. Confirm it there, or sign in here another way and connect "
        "the provider to your account."
    )


class LastSignInMethod(AccountError):
    """The user's last sign-in method can't be removed."""

    code = "permission_denied"
    message = _("This is your only way to sign in. Set a password or add another one first.")


class SocialAccountInUse(AccountError):
    """The provider account is linked to another user."""

    code = "social_account_in_use"
    message = _("This account of the provider is connected to somebody else.")


class AlreadyExists(AccountError):
    """The object to create exists already."""

    code = "already_exists"
    message = _("This exists already.")


class NotFound(AccountError):
    """The user has no object with this id."""

    code = "not_found"
    message = _("There is nothing here.")


class NotAllowed(AccountError):
    """The user may not do this. No other factor or token would change that."""

    code = "permission_denied"
    message = _("You may not do this.")
    reason = "not_allowed"  # in the security event


class NoProofDue(NotAllowed):
    """A code was requested in a session that needs none, or whose user has a second factor to show."""

    message = _("No code is needed here. If you have a second factor, use that.")
    reason = "no_proof_due"


class InsufficientPrivileges(NotAllowed):
    """The target account has a privilege that the actor lacks."""

    message = _("This account may do more than yours. Ask somebody who may do as much.")
    reason = "more_rights"


class OwnAccount(NotAllowed):
    """Operators don't do this to their own account. Somebody else, or the command line, does."""

    message = _("You can't do this to your own account. Ask another administrator.")
    reason = "own_account"


class LastAdministrator(NotAllowed):
    """The last administrator who can sign in can't be closed or deleted, nor lose what makes them one."""

    message = _("This is the last administrator who can sign in. Make another one first.")
    reason = "last_administrator"


class OwnFactorReset(OwnAccount):
    """An operator can't request the reset of their own second factors: a stolen session of theirs could."""

    message = _("You can't reset your own second factor. Ask another operator.")


class ResetNotNotifiable(NotAllowed):
    """Nobody could be told about the reset: the address of the account is not confirmed, or is on hold."""

    message = _(
        "The address of this account is not confirmed, so nobody could stop the reset. Settle the address first."
    )
    reason = "address_not_confirmed"


class ResetsExhausted(NotAllowed):
    """Resets for this account were requested too often within a day."""

    message = _("Resets for this account were requested too often today. Try again tomorrow.")
    reason = "too_many_resets"


class ImportOvertaken(AccountError):
    """Another import is running, or has taken over the file of this one."""

    code = "already_exists"
    message = _("Another import is running. Run this one again when that has ended: it goes on where it stopped.")


class HashingBusy(RetryLater):
    """The queue of password hashes is full."""

    message = _("Too many sign-ins at once. Try again in a moment.")
