"""The HTTP status and challenge of each error of this app."""

from django.utils.encoding import force_str
from rest_framework import status
from rest_framework.exceptions import APIException

from tokens import errors

STATUS: dict[type[errors.TokenError], int] = {
    errors.TokenError: status.HTTP_401_UNAUTHORIZED,
    errors.SessionLimitReached: status.HTTP_409_CONFLICT,
    errors.SessionNotFound: status.HTTP_404_NOT_FOUND,
    errors.ReauthenticationRequired: status.HTTP_403_FORBIDDEN,
    errors.ServiceClientNotFound: status.HTTP_404_NOT_FOUND,
    errors.ServiceClientNameTaken: status.HTTP_409_CONFLICT,
    errors.ServiceClientChanged: status.HTTP_412_PRECONDITION_FAILED,
    errors.ScopeNotGrantable: status.HTTP_403_FORBIDDEN,
    errors.SignalStreamHeld: status.HTTP_403_FORBIDDEN,
    errors.SignalStreamNotFound: status.HTTP_404_NOT_FOUND,
    errors.SignalStreamInvalid: status.HTTP_400_BAD_REQUEST,
    errors.SignalStreamLimitReached: status.HTTP_409_CONFLICT,
    errors.VerificationTooSoon: status.HTTP_429_TOO_MANY_REQUESTS,
}
SECOND_FACTOR = "mfa"  # the authentication context class of a challenge (RFC 9470, 3)


class TokenProblem(APIException):
    """An error of this app as a DRF exception."""

    def __init__(self, *, status_code: int, code: str, message: str) -> None:
        super().__init__(detail=message, code=code)
        self.status_code = status_code
        if status_code == status.HTTP_401_UNAUTHORIZED:
            self.auth_header = bearer_challenge(code)
        self.headers: dict[str, str] = {}


def as_api_exception(error: errors.TokenError) -> TokenProblem:
    """Return the API exception for an error, with the HTTP status of its nearest listed base class."""
    status_code = next(STATUS[cls] for cls in type(error).__mro__ if cls in STATUS)
    problem = TokenProblem(status_code=status_code, code=error.code, message=force_str(error.message))
    if isinstance(error, errors.ReauthenticationRequired):
        problem.headers["WWW-Authenticate"] = step_up_challenge(error)
    if isinstance(error, errors.VerificationTooSoon):
        problem.headers["Retry-After"] = str(error.wait)
    return problem


def step_up_challenge(error: errors.ReauthenticationRequired) -> str:
    """Return the challenge that names the required age and method of authentication (RFC 9470, 3)."""
    wanted = f'Bearer error="insufficient_user_authentication", error_description="{error.code}", '
    if isinstance(error, errors.StepUpRequired):
        wanted += f'acr_values="{SECOND_FACTOR}", '
    return f'{wanted}max_age="{error.max_age}"'


def bearer_challenge(code: str) -> str:
    """Return the challenge for a refused token. Its description is the error's code (RFC 6750, 3.1)."""
    return f'Bearer error="invalid_token", error_description="{code}"'
