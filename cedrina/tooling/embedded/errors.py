"""What can go wrong before anything runs."""


class EmbeddedServerError(Exception):
    """A server could not be had. The text is for the person at the terminal and says what to do."""
