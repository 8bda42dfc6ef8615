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


class ExportFileError(SecurityEventError):
    """A file can't take an export, or can't go on with it. ``reason`` is one of the keys of ``EXPORT_FILE_FAULTS``."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def sentence(self, path: object) -> str:
        """Return what is wrong and what to do about it."""
        return str(EXPORT_FILE_FAULTS[self.reason]) % {"file": path}


EXPORT_FILE_FAULTS = {
    "in_use": _("Another export writes to %(file)s. Stop it, or give another --output."),
    "foreign": _(
        "%(file)s is not empty and has no cursor beside it: it is no file of an export. Give another --output."
    ),
    "other_request": _("%(file)s was begun with another format or range. Give the same options, or another --output."),
    "shorter": _("%(file)s is shorter than it was. Give another --output, or restore the file."),
    "damaged": _("The cursor of %(file)s does not fit the file. Give another --output."),
}


class UndeclaredEventType(SecurityEventError):
    """An event was to be recorded whose type no app has registered. It is a mistake in the calling code."""


class EventTypeTaken(SecurityEventError):
    """Two event types were registered under the same id."""


class InvalidEventType(SecurityEventError):
    """The id, category or base risk of an event type can't be stored."""


class UndeclaredEventData(RuntimeWarning):
    """The data of an event has a key that its type does not list. The event is recorded nevertheless."""
