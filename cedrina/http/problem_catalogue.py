"""Every code that an error may carry, with its status and title. The codes are a promise; the words are translated."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Words = str | Promise


@dataclass(frozen=True)
class Problem:
    """One kind of error: its status, its title, and what is said where the raiser has no more to say."""

    status: int
    title: Words
    detail: Words


PROBLEMS: dict[str, Problem] = {
    "malformed_request": Problem(400, _("Malformed request"), _("The request could not be read.")),
    "invalid_or_expired_token": Problem(400, _("Invalid or expired token"), _("The token is not valid any more.")),
    "authentication_required": Problem(401, _("Authentication required"), _("Sign in to do this.")),
    "invalid_token": Problem(401, _("Invalid token"), _("The token is not valid.")),
    "token_expired": Problem(401, _("Token expired"), _("The token has expired.")),
    "session_revoked": Problem(401, _("Session ended"), _("This session was ended.")),
    "session_expired": Problem(401, _("Session expired"), _("This session has expired.")),
    "refresh_token_reused": Problem(
        401, _("Refresh token used twice"), _("This refresh token was already used; its session was ended.")
    ),
    "invalid_credentials": Problem(401, _("Invalid credentials"), _("The name or the password is wrong.")),
    "invalid_mfa_code": Problem(401, _("Invalid code"), _("The code is wrong or was used before.")),
    "invalid_social_token": Problem(
        401, _("Sign-in with the provider failed"), _("What the provider sent was not accepted.")
    ),
    "permission_denied": Problem(403, _("Permission denied"), _("You may not do this.")),
    "email_not_confirmed": Problem(403, _("E-mail not confirmed"), _("Confirm your e-mail address first.")),
    "account_disabled": Problem(403, _("Account disabled"), _("This account is disabled.")),
    "reauthentication_required": Problem(
        403, _("Reauthentication required"), _("Confirm your password and try again.")
    ),
    "step_up_required": Problem(
        403, _("Second factor required"), _("Confirm this with your second factor, then try again.")
    ),
    "not_found": Problem(404, _("Not found"), _("There is nothing here.")),
    "method_not_allowed": Problem(405, _("Method not allowed"), _("This method does not apply here.")),
    "not_acceptable": Problem(406, _("Not acceptable"), _("Answers are application/json.")),
    "request_timeout": Problem(408, _("Request timeout"), _("The request took too long to arrive.")),
    "username_taken": Problem(409, _("Username taken"), _("This username is taken.")),
    "email_taken": Problem(409, _("E-mail address taken"), _("This e-mail address is taken.")),
    "social_account_in_use": Problem(
        409, _("Already connected"), _("This account of the provider is connected to somebody else.")
    ),
    "session_limit_reached": Problem(409, _("Too many sessions"), _("End another session first.")),
    "already_exists": Problem(409, _("Already exists"), _("This exists already.")),
    "version_mismatch": Problem(412, _("Version mismatch"), _("It was changed since you read it.")),
    "payload_too_large": Problem(413, _("Payload too large"), _("The body may have 64 KiB at most.")),
    "unsupported_media_type": Problem(
        415, _("Unsupported media type"), _("The body must be application/json in UTF-8, not compressed.")
    ),
    "validation_error": Problem(422, _("Validation failed"), _("Some fields are not valid.")),
    "precondition_required": Problem(428, _("Precondition required"), _("Send If-Match with the version you read.")),
    "rate_limited": Problem(429, _("Too many requests"), _("Slow down and try again later.")),
    "too_many_attempts": Problem(429, _("Too many attempts"), _("Wait before you try again.")),
    "internal_error": Problem(500, _("Internal error"), _("Something went wrong on our side.")),
    "service_unavailable": Problem(503, _("Service unavailable"), _("Try again in a moment.")),
}

# What a status means when nobody said it better.
CODE_OF_STATUS: dict[int, str] = {
    400: "malformed_request",
    401: "authentication_required",
    403: "permission_denied",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    408: "request_timeout",
    409: "already_exists",
    412: "version_mismatch",
    413: "payload_too_large",
    415: "unsupported_media_type",
    422: "validation_error",
    428: "precondition_required",
    429: "rate_limited",
    503: "service_unavailable",
}

# Django REST framework's own names for what the contract calls otherwise.
CODE_OF_FRAMEWORK: dict[str, str] = {
    "not_authenticated": "authentication_required",
    "authentication_failed": "invalid_token",
    "parse_error": "malformed_request",
    "throttled": "rate_limited",
    "error": "internal_error",
    "invalid": "validation_error",
}

FIELD_CODES = frozenset(
    {
        "required",
        "invalid",
        "blank",
        "max_length",
        "min_length",
        "unknown_field",
        "password_too_short",
        "password_too_long",
        "password_too_common",
        "password_too_similar",
        "password_reused",
        "password_too_weak",
        "password_unchanged",
        "username_invalid",
        "username_reserved",
        "email_invalid",
    }
)


def status_code(status: int) -> str:
    """Return the general code of a status."""
    return CODE_OF_STATUS.get(status, "malformed_request" if status < 500 else "internal_error")
