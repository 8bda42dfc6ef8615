"""Refusals of this app."""

from collections.abc import Sequence

from django.utils.translation import gettext_lazy as _

from accounts.types import FieldProblem
from cedrina_base.errors import AppError


class AccountError(AppError):
    """Root of this app's refusals: the class informs the trail, the code the caller."""

    code = "validation_error"
    message = _("The request can't be carried out.")


class DetailsInvalid(AccountError):
    """Something that a person chose, a name, an address or a password, is not acceptable."""

    message = _("Some details are not valid.")

    def __init__(self, problems: Sequence[FieldProblem]) -> None:
        super().__init__()
        self.problems = tuple(problems)


class UsernameTaken(AccountError):
    """Somebody has this username, if perhaps in another spelling of upper and lower case."""

    code = "username_taken"
    message = _("This username is taken.")


class EmailTaken(AccountError):
    """Somebody has this address. Only said where EMAIL_CONFIRMATION is optional."""

    code = "email_taken"
    message = _("This e-mail address is already registered.")


class CredentialsInvalid(AccountError):
    """Name and password don't belong together; which of the two is wrong is not said (OWASP ASVS 5.0, 6.3.8)."""

    code = "invalid_credentials"
    message = _("The name or the password is wrong.")


class AccountDisabled(AccountError):
    """The password was right, but an administrator closed the account."""

    code = "account_disabled"
    message = _("This account is disabled.")


class EmailNotConfirmed(AccountError):
    """The password was right, but nobody has shown yet that the address is theirs."""

    code = "email_not_confirmed"
    message = _("The e-mail address of this account is not confirmed yet.")


class VersionMismatch(AccountError):
    """The account was changed since the caller read it (RFC 9110, 15.5.13)."""

    code = "version_mismatch"
    message = _("The account was changed in the meantime. Read it again.")


class MailedTokenInvalid(AccountError):
    """A mailed token that is unknown, used, too old, or for something that has changed since (ASVS 5.0, 6.5.5)."""

    code = "invalid_or_expired_token"
    message = _("This link is not valid any more. Ask for a new one.")


class MfaCodeInvalid(AccountError):
    """A second factor that was wrong, or was used before (RFC 6238, 5.2)."""

    code = "invalid_mfa_code"
    message = _("The code is wrong or was used before.")


class CredentialRefused(MfaCodeInvalid):
    """A WebAuthn answer that fails one of the checks of WebAuthn Level 2, 7.1 or 7.2; which one is not said."""

    message = _("The security key was not accepted.")


class SignCountRegressed(CredentialRefused):
    """A security key counted backwards or stood still: it may exist twice (WebAuthn Level 2, 7.2, step 21)."""


class PasskeyRefused(CredentialsInvalid):
    """A sign-in by passkey that fails: unknown, of somebody else and wrongly signed are refused alike."""

    message = _("The passkey was not accepted.")


class SignInChallengeInvalid(AccountError):
    """The sign-in that this second factor belongs to is unknown, over, or took too long: begin again."""

    code = "invalid_or_expired_token"
    message = _("This sign-in took too long. Begin again.")


class RetryLater(AccountError):
    """Not now: the same request may succeed after ``retry_after`` seconds (RFC 9110, 10.2.3)."""

    code = "service_unavailable"
    message = _("Try again in a moment.")

    def __init__(self, *, retry_after: int, **context: object) -> None:
        super().__init__(**context)
        self.retry_after = retry_after


class AttemptsExhausted(RetryLater):
    """So many wrong tries in a row that none is looked at for a while, whoever makes it (ASVS 5.0, 6.3.1)."""

    code = "too_many_attempts"
    message = _("Too many wrong tries. Wait before you try again.")


class SocialTokenInvalid(AccountError):
    """What a provider sent, or what was sent in its name, is not to be trusted."""

    code = "invalid_social_token"
    message = _("What the provider sent was not accepted.")


class ProviderUnavailable(RetryLater):
    """The provider is down, too slow, or asked by as many already as may at a time; nobody's fault here."""

    message = _("The provider doesn't answer. Try again in a moment.")

    def __init__(self, *, retry_after: int = 5, **context: object) -> None:
        super().__init__(retry_after=retry_after, **context)


class ProviderAddressUnverified(EmailNotConfirmed):
    """The provider does not vouch for the address, so that nobody knows whose it is.

    Said alike for free and for taken addresses: what the provider doesn't vouch for must not find out who has an
    account here.
    """

    message = _(
        "The provider has not confirmed your e-mail address. Confirm it there, or sign in here another way and connect "
        "the provider to your account."
    )


class LastSignInMethod(AccountError):
    """Without this the person could never sign in again."""

    code = "permission_denied"
    message = _("This is your only way to sign in. Set a password or add another one first.")


class SocialAccountInUse(AccountError):
    """Somebody else is connected to this account of the provider."""

    code = "social_account_in_use"
    message = _("This account of the provider is connected to somebody else.")


class AlreadyThere(AccountError):
    """What is to be made exists already."""

    code = "already_exists"
    message = _("This exists already.")


class NotThere(AccountError):
    """The person has nothing of that id."""

    code = "not_found"
    message = _("There is nothing here.")


class NotAllowed(AccountError):
    """The person may not do this, whatever they show."""

    code = "permission_denied"
    message = _("You may not do this.")
    reason = "not_allowed"  # for the trail


class MoreRights(NotAllowed):
    """The account that this would be done to may do more than the one that would do it."""

    message = _("This account may do more than yours. Ask somebody who may do as much.")
    reason = "more_rights"


class LastAdministrator(NotAllowed):
    """Without this person nobody could run the installation any more."""

    message = _("This is the last administrator who can sign in. Make another one first.")
    reason = "last_administrator"


class ImportOvertaken(AccountError):
    """Another import runs, or took over this one's file."""

    code = "already_exists"
    message = _("Another import is running. Run this one again when that has ended: it goes on where it stopped.")


class HashingBusy(RetryLater):
    """As many passwords wait for their hash as may."""

    message = _("Too many sign-ins at once. Try again in a moment.")
