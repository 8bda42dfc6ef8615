"""Where a request comes from."""

from django.http import HttpRequest
from rest_framework.request import Request

from tokens.types import ClientContext

LONGEST_USER_AGENT = 512  # as it is stored


def client_context(request: Request | HttpRequest) -> ClientContext:
    """Return the client's address, as the project's middleware resolved it, and its user agent.

    Without such a middleware the peer's own address counts.
    """
    plain = request._request if isinstance(request, Request) else request  # noqa: SLF001
    address = getattr(plain, "client_ip", request.META.get("REMOTE_ADDR")) or None
    user_agent = request.META.get("HTTP_USER_AGENT", "")[:LONGEST_USER_AGENT]
    return ClientContext(ip_address=address, user_agent=user_agent)
