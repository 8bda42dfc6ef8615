"""The base of views for authenticated sessions."""

from collections.abc import Mapping
from typing import Any, ClassVar

from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from cedrina_base import database_clock
from cedrina_base.frequent_views import FrequentView
from tokens.api.problems import as_api_exception
from tokens.api.step_up import AuthenticationRequirement, check_requirement
from tokens.errors import TokenError
from tokens.types import Principal, ServicePrincipal


class TokensAPIView(FrequentView):
    """Turns this app's errors into API exceptions, and checks the requirements that a view declares in ``step_up``."""

    step_up: ClassVar[Mapping[str, AuthenticationRequirement]] = {}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        requirement = self.step_up.get((request.method or "").lower())
        if requirement is None:
            return
        if isinstance(request.auth, Principal):
            check_requirement(requirement, principal=request.auth, user=request.user, now=database_clock.now())
        elif isinstance(request.auth, ServicePrincipal) and requirement.refuses_clients:
            raise PermissionDenied  # a service client can't confirm who it is

    def handle_exception(self, exc: Exception) -> Response:
        return super().handle_exception(as_api_exception(exc) if isinstance(exc, TokenError) else exc)
