"""What the views of this app have in common. They work under plain Django REST framework."""

from typing import Any

from django.utils.encoding import force_str
from rest_framework.exceptions import APIException, ErrorDetail, ValidationError
from rest_framework.response import Response
from rest_framework.views import APIView

from ratelimiting.api.permissions import CHANGE, READ
from ratelimiting.conf import rate_limiting_settings
from ratelimiting.errors import PolicyInvalid, RateLimitingError

STATUS_BY_CODE = {"not_found": 404, "already_exists": 409, "version_mismatch": 412}


class RateLimitingAPIView(APIView):
    """Asks the project's permissions, without any the framework's default ones, and gives refusals an HTTP status.

    Authentication, renderers and the shape of errors are the project's ``REST_FRAMEWORK`` settings.
    """

    def get_permissions(self) -> list[Any]:
        action = READ if self.request.method == "GET" else CHANGE
        own = list(rate_limiting_settings.API_PERMISSIONS(action))
        return own or list(super().get_permissions())

    def handle_exception(self, exc: Exception) -> Response:
        return super().handle_exception(as_api_exception(exc) if isinstance(exc, RateLimitingError) else exc)


def as_api_exception(error: RateLimitingError) -> APIException:
    """Return a refusal of this app as an exception of Django REST framework."""
    if isinstance(error, PolicyInvalid):
        found: dict[str, list[ErrorDetail]] = {}
        for fault in error.faults:
            found.setdefault(fault.member, []).append(ErrorDetail(f"{fault.member}: {fault.message}", code=fault.code))
        return ValidationError(found)
    exc = APIException(detail=force_str(error.message), code=error.code)
    exc.status_code = STATUS_BY_CODE[error.code]
    return exc
