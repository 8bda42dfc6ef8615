"""``Idempotency-Key``: a client that does not know whether its request arrived sends it again with the same key."""

from collections.abc import Callable
from datetime import datetime

from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from accounts.access.api.problems import IDEMPOTENCY_KEY
from accounts.access.services import idempotency
from accounts.access.services.idempotency import Made

IDEMPOTENCY_PARAMETER = OpenApiParameter(
    IDEMPOTENCY_KEY,
    str,
    OpenApiParameter.HEADER,
    description="A text of your own, such as a UUID: within 24 hours, a request with the same key makes nothing twice.",
)
IDEMPOTENCY_PROBLEMS = ("already_in_use",)
IDEMPOTENCY_FIELDS = ("invalid", "idempotency_key_reused")


def once(request: Request, run: Callable[[], Made], *, now: datetime) -> Made:
    """Carry a request out; one that has a key, once.

    Raises: IdempotencyKeyInvalid, IdempotencyKeyReused, RequestInProgress, and what ``run`` raises.
    """
    given = request.headers.get(IDEMPOTENCY_KEY)
    if given is None:
        return run()
    operation = f"{request.method} {request.path}"
    key = idempotency.request_key(caller=str(request.user.pk), key=given, operation=operation, body=request.data)
    return idempotency.run_once(key=key, run=run, now=now)
