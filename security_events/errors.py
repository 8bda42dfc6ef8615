"""Errors and warnings of this app."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cedrina_base.errors import AppError


class SecurityEventError(Exception):
    """Root of this app's errors."""


class SecurityEventRefusal(AppError):
    """A request that this app refuses. Each subclass has a code, a message and an HTTP status.

    A temporary refusal names in ``Retry-After`` the time between two seals of the trail.
    """

    status: int
    is_temporary = False


class EventNotFound(SecurityEventRefusal):
    """There is no event with this id, and there was none that was sealed."""

    code = "not_found"
    message = _("There is no such event.")
    status = 404


class NotSealedYet(SecurityEventRefusal):
    """What was asked for exists once events were sealed the next time."""

    code = "not_sealed_yet"
    message = _("This is not sealed yet. Try again in a few seconds.")
    status = 409
    is_temporary = True


class SizeNotSealed(SecurityEventRefusal):
    """The trail never had this size."""

    code = "not_found"
    message = _("The trail has no checkpoints of these sizes. The first size is the smaller one.")
    status = 404


class HashesPruned(SecurityEventRefusal):
    """Hashes that the proof needs were deleted with old events."""

    code = "hashes_pruned"
    message = _("This part of the trail is older than what is kept, so it can't be proved any more.")
    status = 410


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


class SealingError(SecurityEventError):
    """The trail can't be sealed. Each subclass has a code, and a message that says what to do."""

    code: str
    message: str | Promise

    def __str__(self) -> str:
        return str(self.message)


class TrailDamaged(SealingError):
    """The stored tree doesn't have the root that was signed last: rows were changed or are missing."""

    code = "trail_damaged"
    message = _(
        "The stored trail is not the one that was signed last, so it is not sealed any further. Run "
        "`manage.py verify_audit_trail`: it names what was changed."
    )


class AuditOriginInvalid(SealingError):
    """``AUDIT_ORIGIN`` is missing, or can't be the name of a key (C2SP signed-note)."""

    code = "audit_origin_invalid"
    message = _("The trail has no usable name. Set AUDIT_ORIGIN to the installation's address, without spaces or +.")


class EncryptionKeyMissing(SealingError):
    """``FIELD_ENCRYPTION_KEYS`` is empty, so that no audit key can be stored."""

    code = "encryption_key_missing"
    message = _("An audit key can't be stored without FIELD_ENCRYPTION_KEYS. Set a key.")


class AuditKeyMissing(SealingError):
    """There is no audit key to rotate: nothing was sealed yet."""

    code = "audit_key_missing"
    message = _("There is no audit key yet. `manage.py seal_audit_trail` makes the first one.")


class TrailRolledBack(SealingError):
    """A newer checkpoint of this trail is known outside: an older state of the database was restored."""

    code = "trail_rolled_back"
    message: str | Promise = _(
        "The trail ends at size %(size)d, but a checkpoint of size %(outside)d is kept outside: an older state of the "
        "database was restored. Restore a newer one. If there is none, `manage.py continue_audit_trail --rename` goes "
        "on under another name; the events in between are lost."
    )

    def __init__(self, *, size: int, outside: int) -> None:
        self.message = str(type(self).message) % {"size": size, "outside": outside}
        super().__init__(self.message)


class TrailNotRolledBack(SealingError):
    """The trail was to go on under another name, though no checkpoint outside is newer."""

    code = "trail_not_rolled_back"
    message = _("No checkpoint outside is newer than the trail, so it goes on under its name. Nothing was changed.")


class UndeclaredEventData(RuntimeWarning):
    """The data of an event has a key that its type does not list. The event is recorded nevertheless."""
