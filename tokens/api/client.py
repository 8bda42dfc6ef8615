"""The client of a request."""

from django.http import HttpRequest
from rest_framework.request import Request

from tokens.types import MAX_USER_AGENT_LENGTH, ClientContext


def client_context(request: Request | HttpRequest) -> ClientContext:
    """Return the client's address and user agent.

    The address is ``request.client_ip`` if the project's middleware sets it, else the address of the peer.
    """
    plain = request._request if isinstance(request, Request) else request  # noqa: SLF001
    address = getattr(plain, "client_ip", plain.META.get("REMOTE_ADDR")) or None
    user_agent = plain.META.get("HTTP_USER_AGENT", "")[:MAX_USER_AGENT_LENGTH]
    return ClientContext(ip_address=address, user_agent=user_agent)
