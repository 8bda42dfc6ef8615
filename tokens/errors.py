"""Errors that this app raises to refuse a request. Callers see the code, the audit trail names the class."""

from typing import Any

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from cedrina_base.errors import AppError


class TokenError(AppError):
    """Base class. A subclass has a code of its own only if the client can act on it."""

    code = "invalid_token"
    message = _("The token was not accepted.")


class AccessTokenInvalid(TokenError):
    """An access token that we did not issue, or that has been tampered with (RFC 9068, 4)."""


class AccessTokenExpired(TokenError):
    """A genuine access token that has expired. The client can refresh."""

    code = "token_expired"
    message = _("The access token has expired.")


class RefreshTokenInvalid(TokenError):
    """A refresh token that is malformed, of an unknown family, or of a generation that was never issued."""


class SessionRevoked(TokenError):
    """The session was ended by its user, an administrator, the session limit or a detected theft."""

    code = "session_revoked"
    message = _("The session was ended. Sign in again.")


class SessionExpired(TokenError):
    """The session was not used for ``SESSION_IDLE_TTL``, or is older than ``SESSION_ABSOLUTE_TTL``."""

    code = "session_expired"
    message = _("The session has expired. Sign in again.")


class RefreshTokenReused(TokenError):
    """A superseded refresh token was used, so two clients have it; the session was ended (RFC 9700, 4.14.2)."""

    code = "refresh_token_reused"
    message = _("The refresh token was used before. The session was ended for safety. Sign in again.")


class SessionLimitReached(TokenError):
    """The user has ``MAX_SESSIONS_PER_USER`` live sessions, and ``SESSION_OVERFLOW`` is ``reject``."""

    code = "session_limit_reached"
    message = _("There are too many sessions. End one of them first.")


class SessionNotFound(TokenError):
    """No live session of this user has that id."""

    code = "not_found"
    message = _("There is no such session.")


class SigningKeyUnusable(TokenError):
    """A key that is not of ``ACCESS_TOKEN_ALGORITHM``, is too short, is known already or can't be read."""

    code = "signing_key_unusable"
    message = _("The signing key can't be used.")


class RefreshEpochsExhausted(TokenError):
    """All 255 epochs of the refresh token key have been used."""

    code = "refresh_epochs_exhausted"
    message = _("There is no further key. Change SECRET_KEY, which gives new ones.")


class ReauthenticationRequired(TokenError):
    """The endpoint requires a newer authentication than the session has (RFC 9470, 3; ASVS 5.0, 7.5.1)."""

    code = "reauthentication_required"
    message = _("Confirm who you are, then try again.")

    def __init__(self, *, max_age: int) -> None:
        super().__init__(max_age=max_age)
        self.max_age = max_age


class StepUpRequired(ReauthenticationRequired):
    """The endpoint requires a second factor, which the session lacks or has too long ago (RFC 9470, 3)."""

    code = "step_up_required"
    message = _("Confirm this with your second factor, then try again.")


class ProofRequired(StepUpRequired):
    """A finding about the session asks for a second factor, or, without one, for a code that is mailed."""

    message = _(
        "Somebody else may be using your account. Confirm this with your second factor, or with a code that is mailed "
        "to you, then try again."
    )


class ClientAuthenticationFailed(TokenError):
    """A service client could not prove who it is (RFC 6749, 5.2). The context's reason is for the event only."""

    code = "invalid_client"
    message = _("The client was not authenticated.")


class ScopeNotAllowed(TokenError):
    """A requested scope that the client does not have (RFC 6749, 5.2)."""

    code = "invalid_scope"
    message = _("The client does not have this scope.")


class ServiceClientNotFound(TokenError):
    """No service client has that id or that name."""

    code = "not_found"
    message = _("There is no such service client.")


class ServiceClientNameTaken(TokenError):
    """Another service client has that name."""

    code = "already_exists"
    message = _("There is a service client of that name. Choose another name.")


class ServiceClientChanged(TokenError):
    """Somebody else has changed the service client since it was read (RFC 9110, 13.1.1)."""

    code = "version_mismatch"
    message = _("The service client was changed meanwhile. Read it again, then repeat your change.")


class ScopeNotGrantable(TokenError):
    """An operator may neither give a scope that they lack nor get the credentials of a client that has one."""

    code = "permission_denied"
    message = _("You lack a permission that this service client has. Ask somebody who has it.")


class ServiceClientInvalid(TokenError):
    """A member of a service client has a value that it cannot have."""

    code = "validation_error"
    message = _("The service client is not valid.")

    def __init__(self, *, member: str, member_code: str, sentence: Any) -> None:
        super().__init__(member=member)
        self.member = member
        self.member_code = member_code
        self.sentence = sentence


class JwksInvalid(ServiceClientInvalid):
    """A key set that assertions can't be verified with, or that holds a private key."""

    def __init__(self, sentence: Any) -> None:
        super().__init__(member="jwks", member_code="invalid", sentence=sentence)


class SignalStreamNotFound(TokenError):
    """There is no such stream of shared signals for this caller. That another caller has it is not said."""

    code = "not_found"
    message = _("There is no such stream.")


class SignalStreamInvalid(TokenError):
    """A member of a request about a stream has a value that it cannot have."""

    code = "validation_error"
    message = _("The request is not valid.")

    def __init__(self, *, member: str, sentence: Any) -> None:
        super().__init__(member=member)
        self.message = format_lazy("{}: {}", member, sentence)


class SignalStreamHeld(TokenError):
    """A receiver enables a stream that an operator has paused (Shared Signals Framework 1.0, 8.1.2.2)."""

    code = "permission_denied"
    message = _("An operator has paused this stream. Ask them to resume it.")


class SignalStreamLimitReached(TokenError):
    """The caller has as many streams as one may have, or as many subjects left out of a stream."""

    code = "already_exists"
    message = _("You have as many streams as one receiver may have. Delete one first.")


class ExcludedSubjectLimitReached(SignalStreamLimitReached):
    """As many subjects are left out of a stream as there may be."""

    message = _("As many subjects are left out of this stream as there may be. Add some again first.")


class VerificationTooSoon(TokenError):
    """A verification was requested again before ``min_verification_interval`` was over; ``wait`` is in seconds."""

    code = "rate_limited"
    message = _("A verification was requested a moment ago. Try again later.")

    def __init__(self, *, wait: int) -> None:
        super().__init__(wait=wait)
        self.wait = wait
