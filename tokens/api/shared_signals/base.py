"""What the views of shared signals have in common."""

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import NotAuthenticated, PermissionDenied
from rest_framework.request import Request

from tokens.api.base import TokensAPIView
from tokens.api.permissions import HasAnyAccessToken
from tokens.api.step_up import RequiredFactor, requires
from tokens.conf import token_settings
from tokens.errors import SignalStreamInvalid, SignalStreamNotFound
from tokens.services.shared_signals.stream_owners import MANAGE, READ, StreamOwner
from tokens.types import ServiceCaller
from tokens.users import subject_of

NO_STORE: Mapping[str, str] = {"Cache-Control": "no-store"}
# People confirm who they are before signals about everybody go elsewhere. A client has a scope for just this.
STEP_UP = requires(factor=RequiredFactor.SECOND, is_for_people=True)


class SharedSignalsView(TokensAPIView):
    """A call of the stream management API (Shared Signals Framework 1.0, 8.1), for service clients and operators.

    It is not in the OpenAPI document: receivers find it by ``/.well-known/ssf-configuration``, and its shapes and its
    statuses are those of the framework. A request that is not valid is 400 here, not 422.
    """

    schema = None
    reading_methods: ClassVar[frozenset[str]] = frozenset({"GET", "HEAD"})

    def get_permissions(self) -> list[Any]:
        """Require ``ssf:read`` or ``ssf:manage`` for reading, ``ssf:manage`` for all else."""
        action = MANAGE
        caller = self.request.user
        is_reading = (self.request.method or "") in self.reading_methods
        if is_reading and not (isinstance(caller, ServiceCaller) and MANAGE in caller.scopes):
            action = READ
        return [HasAnyAccessToken(), *token_settings.API_PERMISSIONS(action)]

    def permission_denied(self, request: Request, message: str | None = None, code: str | None = None) -> Any:
        """Say that the token's scope does not suffice (RFC 6750, 3.1).

        Raises: NotAuthenticated, PermissionDenied.
        """
        if request.authenticators and not request.successful_authenticator:
            raise NotAuthenticated
        refusal = PermissionDenied(detail=message, code=code)
        refusal.headers = {"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{MANAGE}"'}  # type: ignore[attr-defined]
        raise refusal


def owner_of(request: Request) -> StreamOwner:
    """Return the caller as an owner of streams."""
    caller: Any = request.user
    if isinstance(caller, ServiceCaller):
        return StreamOwner(subject_of(caller), client_id=caller.pk)
    return StreamOwner(subject_of(caller), user_id=caller.pk)


def body_of(request: Request) -> Mapping[str, Any]:
    """Return the object that a request sends.

    Raises: SignalStreamInvalid.
    """
    if not isinstance(request.data, Mapping):
        raise SignalStreamInvalid(member="body", sentence=_("It must be a JSON object."))
    return request.data


def stream_id_of(given: Any) -> UUID:
    """Return the id of a stream that a request names.

    Raises: SignalStreamInvalid, if it names none; SignalStreamNotFound, for what is no id of ours.
    """
    if given is None:
        raise SignalStreamInvalid(member="stream_id", sentence=_("It is missing."))
    try:
        return UUID(given)
    except (ValueError, AttributeError, TypeError):
        raise SignalStreamNotFound from None
