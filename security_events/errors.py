"""Errors and warnings of this app."""

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
