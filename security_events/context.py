"""Who is asking, for everything that is recorded while one request is answered."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RequestContext:
    """Where a request came from, as far as the events need it.

    ``ip_address`` is the client's, already resolved over the trusted proxies; ``None`` when it can't be told.
    """

    correlation_id: str = ""
    ip_address: str | None = None
    user_agent: str = ""


NO_REQUEST = RequestContext()
_current: ContextVar[RequestContext] = ContextVar("security_events_request", default=NO_REQUEST)


def current() -> RequestContext:
    """Return the context of the request being answered, empty outside of one."""
    return _current.get()


@contextmanager
def bind(context: RequestContext) -> Iterator[None]:
    """Make ``context`` the current one until the block ends."""
    token = _current.set(context)
    try:
        yield
    finally:
        _current.reset(token)
