"""What each route asks for: a permission, a signed-in person, or nothing.

The permissions of a view of the API name the action that they ask for in an attribute ``action``. So what is read here
is what is enforced.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.views import APIView

from accounts.access.known_permissions import KNOWN_PERMISSIONS
from cedrina.guarding.public_routes import GUARDED_INSIDE, PUBLIC_PATHS, PUBLIC_ROUTES, PUBLIC_SOCKETS
from tokens.api.permissions import HasAccessToken, HasAnyAccessToken

PUBLIC, OWN, ADMIN_PAGES = "public", "own", "admin"
_SIGNED_IN = (IsAuthenticated, HasAccessToken, HasAnyAccessToken)
_METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True, slots=True)
class GuardedRoute:
    """A method of a route.

    ``needs`` is the name of a permission, or one of PUBLIC, OWN (a signed-in person acts on their own account) and
    ADMIN_PAGES; it is empty if the route declares nothing.
    """

    method: str
    path: str
    needs: str


def guarded_routes() -> list[GuardedRoute]:
    """Return what all HTTP routes ask for, in their order."""
    found: list[GuardedRoute] = []
    for path, pattern, is_of_admin in _patterns(get_resolver().url_patterns):
        view = getattr(pattern.callback, "cls", None)
        if view is not None and issubclass(view, APIView):
            initial = getattr(pattern.callback, "initkwargs", {})
            methods = [method for method in _METHODS if hasattr(view, method)]
            found += [GuardedRoute(method.upper(), path, _needs(view(**initial), method)) for method in methods]
        else:
            found.append(GuardedRoute("GET", path, ADMIN_PAGES if is_of_admin else _plain(path, pattern)))
    return found


def guarded_sockets() -> list[GuardedRoute]:
    """Return what all WebSocket routes ask for."""
    # Here, since only the process that serves sockets needs the libraries of sockets.
    from cedrina.routing import CONSUMERS  # noqa: PLC0415 - see above

    found = []
    for path, consumer in CONSUMERS.items():
        declared = getattr(consumer, "action", "")
        needs = OWN if declared is None else str(declared)
        found.append(GuardedRoute("WS", path, PUBLIC if path in PUBLIC_SOCKETS else needs))
    return found


def undeclared(routes: Iterable[GuardedRoute]) -> list[GuardedRoute]:
    """Return the routes that neither name a permission that exists nor say that they need none."""
    return [
        route
        for route in routes
        if route.needs not in (PUBLIC, OWN, ADMIN_PAGES) and route.needs not in KNOWN_PERMISSIONS
    ]


def _needs(view: Any, method: str) -> str:
    # A request of nobody: what a view asks for may depend on the method, and on who asks only to ask for less.
    view.request = SimpleNamespace(method=method.upper(), user=None, auth=None)
    view.kwargs = {}
    permissions: list[Any] = view.get_permissions()
    actions = [permission.action for permission in permissions if getattr(permission, "action", "")]
    if actions:
        return str(actions[0])
    if any(isinstance(permission, _SIGNED_IN) for permission in permissions):
        return OWN
    return PUBLIC if permissions and all(type(permission) is AllowAny for permission in permissions) else ""


def _plain(path: str, pattern: URLPattern) -> str:
    if any(path.startswith(beginning) for beginning in GUARDED_INSIDE):
        return ADMIN_PAGES
    if path in PUBLIC_PATHS or any(path.startswith(beginning) for beginning in PUBLIC_ROUTES):
        return PUBLIC
    return str(getattr(pattern.callback, "needed_permission", ""))


def _patterns(
    patterns: Iterable[Any], before: str = "", *, is_of_admin: bool = False
) -> Iterator[tuple[str, URLPattern, bool]]:
    """Return paths with their patterns, and whether each is a page of the admin's site, which guards all of its own."""
    for pattern in patterns:
        path = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _patterns(pattern.url_patterns, path, is_of_admin=is_of_admin or pattern.app_name == "admin")
        else:
            yield path, pattern, is_of_admin
