"""The catalogue of problem types (RFC 9457): each code with its status and texts.

Codes are part of the API contract and never change. Texts are translated.
"""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

TranslatableText = str | Promise


@dataclass(frozen=True)
class ProblemType:
    """One problem type: its HTTP status, its title, and the detail that is used when the error has none."""

    status: int
    title: TranslatableText
    detail: TranslatableText


PROBLEMS: dict[str, ProblemType] = {
    "malformed_request": ProblemType(400, _("Malformed request"), _("The request could not be read.")),
    "invalid_or_expired_token": ProblemType(400, _("Invalid or expired token"), _("The token is not valid any more.")),
    "authentication_required": ProblemType(401, _("Authentication required"), _("Sign in to do this.")),
    "invalid_token": ProblemType(401, _("Invalid token"), _("The token is not valid.")),
    "token_expired": ProblemType(401, _("Token expired"), _("The token has expired.")),
    "session_revoked": ProblemType(401, _("Session ended"), _("This session was ended.")),
    "session_expired": ProblemType(401, _("Session expired"), _("This session has expired.")),
    "refresh_token_reused": ProblemType(
        401, _("Refresh token used twice"), _("This refresh token was already used; its session was ended.")
    ),
    "invalid_credentials": ProblemType(401, _("Invalid credentials"), _("The name or the password is wrong.")),
    "invalid_mfa_code": ProblemType(401, _("Invalid code"), _("The code is wrong or was used before.")),
    "invalid_social_token": ProblemType(
        401, _("Sign-in with the provider failed"), _("What the provider sent was not accepted.")
    ),
    "permission_denied": ProblemType(403, _("Permission denied"), _("You may not do this.")),
    "email_not_confirmed": ProblemType(403, _("E-mail not confirmed"), _("Confirm your e-mail address first.")),
    "password_reset_required": ProblemType(
        403, _("New password required"), _("Choose a new password by the link that was mailed to you.")
    ),
    "account_disabled": ProblemType(403, _("Account disabled"), _("This account is disabled.")),
    "reauthentication_required": ProblemType(
        403, _("Reauthentication required"), _("Confirm your password and try again.")
    ),
    "step_up_required": ProblemType(
        403, _("Second factor required"), _("Confirm this with your second factor, then try again.")
    ),
    "not_found": ProblemType(404, _("Not found"), _("There is nothing here.")),
    "method_not_allowed": ProblemType(405, _("Method not allowed"), _("This method does not apply here.")),
    "not_acceptable": ProblemType(406, _("Not acceptable"), _("Answers are application/json.")),
    "request_timeout": ProblemType(408, _("Request timeout"), _("The request took too long to arrive.")),
    "username_taken": ProblemType(409, _("Username taken"), _("This username is taken.")),
    "email_taken": ProblemType(409, _("E-mail address taken"), _("This e-mail address is taken.")),
    "social_account_in_use": ProblemType(
        409, _("Already connected"), _("This account of the provider is connected to somebody else.")
    ),
    "session_limit_reached": ProblemType(409, _("Too many sessions"), _("End another session first.")),
    "already_exists": ProblemType(409, _("Already exists"), _("This exists already.")),
    "already_in_use": ProblemType(409, _("In use"), _("This is in use already.")),
    "separation_of_duty": ProblemType(409, _("Duties are separated"), _("Nobody may have these two roles together.")),
    "stale_draft": ProblemType(
        409, _("Outdated draft"), _("The policy was changed since this draft was begun. Make a new draft.")
    ),
    "not_sealed_yet": ProblemType(409, _("Not sealed yet"), _("This is not sealed yet. Try again in a few seconds.")),
    "hashes_pruned": ProblemType(410, _("No proof any more"), _("This part of the trail is older than what is kept.")),
    "version_mismatch": ProblemType(412, _("Version mismatch"), _("It was changed since you read it.")),
    "payload_too_large": ProblemType(413, _("Payload too large"), _("The body may have 64 KiB at most.")),
    "unsupported_media_type": ProblemType(
        415, _("Unsupported media type"), _("The body must be application/json in UTF-8, not compressed.")
    ),
    "validation_error": ProblemType(422, _("Validation failed"), _("Some fields are not valid.")),
    "precondition_required": ProblemType(
        428, _("Precondition required"), _("Send If-Match with the version you read.")
    ),
    "rate_limited": ProblemType(429, _("Too many requests"), _("Slow down and try again later.")),
    "too_many_attempts": ProblemType(429, _("Too many attempts"), _("Wait before you try again.")),
    "internal_error": ProblemType(500, _("Internal error"), _("Something went wrong on our side.")),
    "service_unavailable": ProblemType(503, _("Service unavailable"), _("Try again in a moment.")),
}

# The code of an error that has only a status.
CODE_OF_STATUS: dict[int, str] = {
    400: "malformed_request",
    401: "authentication_required",
    403: "permission_denied",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    408: "request_timeout",
    409: "already_exists",
    410: "hashes_pruned",
    412: "version_mismatch",
    413: "payload_too_large",
    415: "unsupported_media_type",
    422: "validation_error",
    428: "precondition_required",
    429: "rate_limited",
    503: "service_unavailable",
}

# Codes of Django REST framework, and the codes that the contract uses instead.
CODE_OF_DRF: dict[str, str] = {
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
        "idempotency_key_reused",
    }
)


def code_of_status(status: int) -> str:
    """Return the code of an error of which only the status is known."""
    return CODE_OF_STATUS.get(status, "malformed_request" if status < 500 else "internal_error")
