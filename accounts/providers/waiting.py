"""What a request does while it waits for a provider."""

from contextlib import AbstractContextManager, nullcontext

from django.utils.module_loading import import_string

from accounts.conf import account_settings


def while_waiting() -> AbstractContextManager[object]:
    """Return the context in which a request waits for a provider: ``ACCOUNTS["WHILE_WAITING"]``, or none.

    The server may let other requests use the processor meanwhile.
    """
    path = account_settings.WHILE_WAITING
    if path is None:
        return nullcontext()
    context: AbstractContextManager[object] = import_string(path)()
    return context
