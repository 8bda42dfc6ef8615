"""Errors of `make run`."""


class StepFailed(Exception):
    """A step of the start failed. The message says what to do."""
