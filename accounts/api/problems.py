"""The HTTP status of each error of this app."""

from django.utils.encoding import force_str
from rest_framework.exceptions import APIException, ErrorDetail, ValidationError

from accounts import errors

STATUS_CODES: dict[type[errors.AccountError], int] = {
    errors.UsernameTaken: 409,
    errors.EmailTaken: 409,
    errors.CredentialsInvalid: 401,
    errors.AccountDisabled: 403,
    errors.EmailNotConfirmed: 403,
    errors.PasswordResetRequired: 403,
    errors.ProviderAddressUnverified: 403,
    errors.VersionMismatch: 412,
    errors.MailedTokenInvalid: 400,
    errors.MfaCodeInvalid: 401,
    errors.CredentialRefused: 401,
    errors.SignCountRegressed: 401,
    errors.PasskeyRefused: 401,
    errors.SignInChallengeInvalid: 400,
    errors.AttemptsExhausted: 429,
    errors.SocialTokenInvalid: 401,
    errors.LastSignInMethod: 403,
    errors.SocialAccountInUse: 409,
    errors.AlreadyExists: 409,
    errors.NotFound: 404,
    errors.NotAllowed: 403,
    errors.RetryLater: 503,
    errors.ImportOvertaken: 409,
}
# The codes of the validators of new passwords (AUTH_PASSWORD_VALIDATORS).
NEW_PASSWORD_CODES = (
    "password_too_short",
    "password_too_long",
    "password_too_common",
    "password_too_similar",
    "password_too_weak",
)


class AccountAPIException(APIException):
    """An error of this app as DRF renders it, with the values of its headers."""

    wait: int | None = None
    auth_header: str | None = None


def as_api_exception(error: errors.AccountError) -> APIException:
    """Return the API exception of an error, with the status of its nearest class in ``STATUS_CODES``."""
    if isinstance(error, errors.DetailsInvalid):
        return _validation_error(error)
    exc = AccountAPIException(detail=force_str(error.message), code=error.code)
    exc.status_code = next(STATUS_CODES[cls] for cls in type(error).__mro__ if cls in STATUS_CODES)
    if isinstance(error, errors.RetryLater):
        exc.wait = error.retry_after
    if exc.status_code == 401:
        exc.auth_header = f'Bearer error="{error.code}"'
    return exc


def _validation_error(error: errors.DetailsInvalid) -> ValidationError:
    found: dict[str, list[ErrorDetail]] = {}
    for problem in error.problems:
        found.setdefault(problem.field, []).append(ErrorDetail(force_str(problem.message), code=problem.code))
    return ValidationError(found)
