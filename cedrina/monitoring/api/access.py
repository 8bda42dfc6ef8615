"""Who may read figures and health: administrators, service clients with the scope, and machines of named networks."""

from typing import Any

from django.conf import settings
from rest_framework.request import Request

from accounts.api.permissions import action_permission
from ratelimiting.client_addresses.networks import is_within
from ratelimiting.client_addresses.resolution import HeaderFinding, is_trusted_peer

READ = "metrics:read"
# Whatever a proxy may add that is not named in TRUSTED_PROXIES: then the address is the proxy's, and not the client's.
_TRACES_OF_PROXIES = ("HTTP_VIA", "HTTP_X_REAL_IP", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_SERVER")


class MayReadFigures(action_permission(READ)):  # type: ignore[misc]  # a class made by a function
    """Allows whoever may read figures, and anybody without a token from METRICS_ALLOWED_NETWORKS."""

    is_public_to_some = True

    def has_permission(self, request: Request, view: Any) -> bool:
        if request.auth is None and is_from_allowed_network(request):
            return True
        return bool(super().has_permission(request, view))


class MayReadFiguresByToken(action_permission(READ)):  # type: ignore[misc]  # as above
    """Allows whoever may read figures."""


def is_from_allowed_network(request: Request) -> bool:
    """Return whether a request comes from METRICS_ALLOWED_NETWORKS, without doubt.

    There is a doubt when something is wrong with the forwarding headers, or when a proxy that is not trusted has left
    a trace: a client could then have the address of a proxy that stands in these networks, as on loopback.
    """
    caller = request.caller  # type: ignore[attr-defined]  # set by RequestMiddleware
    # The address of a machine of one's own behind a proxy is a finding, too: it is private.
    if caller.address is None or set(caller.findings) - {HeaderFinding.PRIVATE}:
        return False
    is_proxied = any(name in request.META for name in _TRACES_OF_PROXIES)
    if is_proxied and not is_trusted_peer(request.META.get("REMOTE_ADDR")):
        return False
    return is_within(caller.address, settings.MONITORING["ALLOWED_NETWORKS"])
