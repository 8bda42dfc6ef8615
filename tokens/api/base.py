"""What the views of this app have in common."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tokens.api.problems import as_api_exception
from tokens.api.step_up import AuthenticationRequirement, check_requirement
from tokens.errors import TokenError
from tokens.types import Principal


class TokensAPIView(APIView):
    """Turns this app's refusals into API exceptions, and demands of a session what the view declares in ``step_up``."""

    step_up: ClassVar[Mapping[str, AuthenticationRequirement]] = {}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        need = self.step_up.get((request.method or "").lower())
        if need is not None and isinstance(request.auth, Principal):
            check_requirement(need, principal=request.auth, user=request.user, now=timezone.now())

    def handle_exception(self, exc: Exception) -> Response:
        return super().handle_exception(as_api_exception(exc) if isinstance(exc, TokenError) else exc)
