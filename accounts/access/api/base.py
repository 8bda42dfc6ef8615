"""What the views of this app have in common. They work under plain Django REST framework."""

from collections.abc import Mapping
from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access.api.problems import as_api_exception
from accounts.access.conf import access_settings
from accounts.access.errors import AccessError
from accounts.access.permission_types import CHANGE_POLICIES
from accounts.access.services.compiling import INDEX
from accounts.access.types import Author
from cedrina_base.frequent_views import FrequentView

POLICY_VERSION = "X-Policy-Version"
# For ``needed_permissions``: whoever the project's default permissions let in.
DEFAULT_PERMISSIONS = ""


class QuickWithIndex:
    """The ``event_loop_methods`` of a view that asks the policy: ``POST``, unless Casbin decides.

    A decision of the index takes microseconds, one of Casbin's many milliseconds.
    """

    def __get__(self, _view: object, _class: type) -> frozenset[str]:
        return frozenset({"POST"}) if access_settings.ENGINE == INDEX else frozenset()


class AccessAPIView(FrequentView):
    """Asks the project's permissions for the one that a method needs, and gives errors an HTTP status.

    ``needed_permissions`` names the permission of each HTTP method, in lower case, or ``DEFAULT_PERMISSIONS``; a method
    that is not named needs that of changing policies. Authentication, renderers and the shape of errors are the
    project's ``REST_FRAMEWORK`` settings.
    """

    needed_permissions: ClassVar[Mapping[str, str]] = {}

    def get_permissions(self) -> list[Any]:
        needed = self.needed_permissions.get((self.request.method or "").lower(), CHANGE_POLICIES.name)
        if needed == DEFAULT_PERMISSIONS:
            return list(super().get_permissions())
        # A hook that returns no permission must not let everybody in.
        return list(access_settings.API_PERMISSIONS(needed)) or list(super().get_permissions())

    def handle_exception(self, exc: Exception) -> Response:
        return super().handle_exception(as_api_exception(exc) if isinstance(exc, AccessError) else exc)


def author_of(request: Request) -> Author:
    """Return who changes the policy."""
    return Author(str(request.user.pk), request.user.get_username())


def versioned(response: Response, version: int, *, etag: int | None = None) -> Response:
    """Add the version of the policy that a write made, and the version of the row as the ETag."""
    response[POLICY_VERSION] = str(version)
    if etag is not None:
        response["ETag"] = f'"{etag}"'
    return response
