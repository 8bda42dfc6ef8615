"""The base of this app's views, and how they get the user and the access token of a request."""

from typing import cast

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access.api.problems import as_api_exception as access_exception
from accounts.access.errors import AccessError
from accounts.api.problems import as_api_exception
from accounts.errors import AccountError, NotAllowed
from accounts.models import User
from accounts.services.social.authorizations import SessionUser
from tokens.api.base import TokensAPIView
from tokens.types import Principal


class AccountsAPIView(TokensAPIView):
    """A view that turns the errors of this app, and of the apps below it, into responses."""

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, AccessError):
            exc = access_exception(exc)
        return super().handle_exception(as_api_exception(exc) if isinstance(exc, AccountError) else exc)


def request_user(request: Request) -> User:
    """Return the user of the access token, in a view that requires one."""
    return cast("User", request.user)


def request_operator(request: Request) -> User:
    """Return the user of the access token as the operator who acts on an account.

    Raises: NotAllowed, if the caller is no person: services decide by the rows of the two accounts.
    """
    if not isinstance(request.user, User):
        raise NotAllowed
    return request.user


def request_principal(request: Request) -> Principal:
    """Return what the access token of the request says: its user, session and authentication methods."""
    return cast("Principal", request.auth)


def session_user(request: Request) -> SessionUser:
    """Return the user of the access token and their session."""
    return SessionUser(user=request_user(request), session_id=request_principal(request).session_id)
