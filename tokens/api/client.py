"""Where a request comes from."""

from rest_framework.request import Request

from tokens.types import ClientContext


def client_context(request: Request) -> ClientContext:
    """Return the client's address, as the project's middleware resolved it, and its user agent.

    Without such a middleware the peer's own address counts.
    """
    address = getattr(request._request, "client_ip", request.META.get("REMOTE_ADDR")) or None  # noqa: SLF001
    return ClientContext(ip_address=address, user_agent=request.META.get("HTTP_USER_AGENT", ""))
