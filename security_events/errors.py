"""Errors and warnings of this app."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cedrina_base.errors import AppError


class SecurityEventError(Exception):
    """Root of this app's errors."""


class SecurityEventRefusal(AppError):
    """A request that this app refuses. Each subclass has a code, a message and an HTTP status."""

    status: int


class EventNotFound(SecurityEventRefusal):
    """There is no event of an id, or retention has removed it."""

    code = "not_found"
    message = _("There is no such event.")
    status = 404


class UndeclaredEventType(SecurityEventError):
    """An event was to be recorded whose type no app has registered. It is a mistake in the calling code."""


class EventTypeTaken(SecurityEventError):
    """Two event types were registered under the same id."""


class InvalidEventType(SecurityEventError):
    """The id, category or base risk of an event type can't be stored."""


class UndeclaredEventData(RuntimeWarning):
    """The data of an event has a key that its type does not list. The event is recorded nevertheless."""


class WebhookInvalid(SecurityEventError):
    """A member of a webhook can't be what was given. ``sentence`` says so to people."""

    def __init__(self, *, member: str, member_code: str, sentence: str | Promise) -> None:
        super().__init__(member)
        self.member, self.member_code, self.sentence = member, member_code, sentence


class WebhookNotFound(SecurityEventRefusal):
    """There is no such webhook, delivery or event (any more)."""

    code = "not_found"
    message = _("There is no such webhook or delivery.")
    status = 404


class WebhookChanged(SecurityEventRefusal):
    """Somebody changed the webhook since it was read."""

    code = "version_mismatch"
    message = _("The webhook was changed meanwhile. Read it again.")
    status = 412


class WebhookLimitReached(SecurityEventRefusal):
    """There are as many webhooks as there may be."""

    code = "already_exists"
    message = _("There are 50 webhooks already. Delete one that is no longer needed.")
    status = 409


class DeliveryQueueFull(SecurityEventRefusal):
    """Too many tests and replays of a webhook wait to be sent."""

    code = "already_exists"
    message = _("100 deliveries of this webhook are waiting already. Try again once they are sent.")
    status = 409


class EncryptionKeyMissing(SecurityEventRefusal):
    """The project has no ``FIELD_ENCRYPTION_KEYS``, so no secret can be stored."""

    code = "service_unavailable"
    message = _("This server has no key to store secrets with. Its administrator has to set FIELD_ENCRYPTION_KEYS.")
    status = 503
