"""The request that is being answered, for the events that are recorded meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RequestContext:
    """What events store of a request.

    ``ip_address`` is the client's, after trusted proxies have been taken into account; ``None`` if it is not known.
    """

    correlation_id: str = ""
    ip_address: str | None = None
    user_agent: str = ""


NO_REQUEST = RequestContext()
_current: ContextVar[RequestContext] = ContextVar("security_events_request", default=NO_REQUEST)


def current() -> RequestContext:
    """Return the context of the current request, ``NO_REQUEST`` outside of requests."""
    return _current.get()


@contextmanager
def bind(context: RequestContext) -> Iterator[None]:
    """Make ``context`` the current one within a ``with`` block, for this thread and its coroutines."""
    token = _current.set(context)
    try:
        yield
    finally:
        _current.reset(token)
