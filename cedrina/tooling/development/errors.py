"""Why `make run` could not go on."""


class StepFailed(Exception):
    """A step of the start failed. The text says what to do about it."""
