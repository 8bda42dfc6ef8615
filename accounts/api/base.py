"""What the views of this app share."""

from typing import cast

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.problems import as_api_exception
from accounts.errors import AccountError
from accounts.models import User
from accounts.services.social.authorizations import SessionUser
from tokens.api.base import TokensAPIView
from tokens.types import Principal


class AccountsAPIView(TokensAPIView):
    """Turn refusals of this app, and of ``tokens`` below it, into answers."""

    def handle_exception(self, exc: Exception) -> Response:
        return super().handle_exception(as_api_exception(exc) if isinstance(exc, AccountError) else exc)


def caller(request: Request) -> User:
    """Return who is asking, in a view that lets nobody else in."""
    return cast("User", request.user)


def principal(request: Request) -> Principal:
    """Return what the access token of the request speaks for."""
    return cast("Principal", request.auth)


def session_user(request: Request) -> SessionUser:
    """Return who is asking and in which session."""
    return SessionUser(user=caller(request), session_id=principal(request).session_id)
