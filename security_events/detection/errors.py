"""Errors of detection: rules, incidents and responses that are not there or can't be changed so."""

from django.utils.translation import gettext_lazy as _

from security_events.errors import SecurityEventError, SecurityEventRefusal


class RuleNotFound(SecurityEventRefusal):
    """No app declares a rule of this id."""

    code = "not_found"
    message = _("There is no such rule.")
    status = 404


class ThresholdInvalid(SecurityEventError):
    """A rule has no threshold of this name, or it can't have this value. ``name`` is that of the threshold."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class RiskNotFound(SecurityEventRefusal):
    """The event is of no sign-in whose risk was computed."""

    code = "not_found"
    message = _("This event has no risk that was computed.")
    status = 404


class IncidentNotFound(SecurityEventRefusal):
    """There is no incident of this id."""

    code = "not_found"
    message = _("There is no such incident.")
    status = 404


class IncidentChanged(SecurityEventRefusal):
    """Somebody changed the incident since it was read."""

    code = "version_mismatch"
    message = _("The incident was changed meanwhile. Read it again.")
    status = 412


class ResponseNotFound(SecurityEventRefusal):
    """The incident has no response of this id."""

    code = "not_found"
    message = _("The incident has no such response.")
    status = 404


class ResponseNotUndoable(SecurityEventRefusal):
    """The response was over at once, such as a mail."""

    code = "already_in_use"
    message = _("This response can't be taken back: it was over at once.")
    status = 409
