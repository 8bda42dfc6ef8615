"""What the views of this app have in common. They work under plain Django REST framework."""

from typing import Any, ClassVar

from django.utils.encoding import force_str
from rest_framework.exceptions import APIException
from rest_framework.response import Response
from rest_framework.views import APIView

from security_events.api.permissions import READ_EVENTS
from security_events.conf import security_event_settings
from security_events.errors import SecurityEventRefusal


class SecurityEventsAPIView(APIView):
    """Asks the project's permissions, without any the framework's default ones, and gives refusals an HTTP status.

    ``actions`` names the action of each HTTP method, in lower case; a method that is not named needs that of reading
    events. Authentication, renderers and the shape of errors are the project's ``REST_FRAMEWORK`` settings.
    """

    actions: ClassVar[dict[str, str]] = {}

    def get_permissions(self) -> list[Any]:
        action = self.actions.get((self.request.method or "").lower(), READ_EVENTS)
        own = list(security_event_settings.API_PERMISSIONS(action))
        return own or list(super().get_permissions())

    def handle_exception(self, exc: Exception) -> Response:
        return super().handle_exception(as_api_exception(exc) if isinstance(exc, SecurityEventRefusal) else exc)


class RefusalResponse(APIException):
    """A refusal of this app. ``wait`` becomes ``Retry-After``, in seconds."""

    wait: int | None = None


def as_api_exception(error: SecurityEventRefusal) -> APIException:
    """Return a refusal of this app as an exception of Django REST framework."""
    exc = RefusalResponse(detail=force_str(error.message), code=error.code)
    exc.status_code = error.status
    if error.is_temporary:
        exc.wait = security_event_settings.AUDIT_SEAL_SECONDS
    return exc
