"""Refusals of this app."""


class SecurityEventError(Exception):
    """Root of this app's refusals."""


class UndeclaredEventType(SecurityEventError):
    """An event of a type that the catalogue does not list was to be recorded: a mistake in the calling code."""
