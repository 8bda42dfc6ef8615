"""Bind a sign-in at the admin to a session of ``tokens``, so that it ends when that session ends.

Django's session stores only the id of that session, and authenticates nobody without it.
"""

from typing import Any
from uuid import UUID

from django.contrib import auth
from django.contrib.auth.models import AnonymousUser

from accounts.services.administration.admin_sign_in import AdminSession
from cedrina_base import database_clock
from tokens.end_reasons import LOGOUT
from tokens.services import revocation, verification

BACKEND_PATH = "accounts.backends.PooledBackend"
_KEY = "accounts.session_id"


def begin(request: Any, signed_in: AdminSession) -> None:
    """Sign the browser in, under a new session key (OWASP ASVS 5.0, 7.2.4). Its former session ends."""
    end(request)
    auth.login(request, signed_in.user, backend=BACKEND_PATH)
    request.session.cycle_key()
    request.session[_KEY] = str(signed_in.session_id)


def get_user(request: Any) -> Any:
    """Return the signed-in user, anonymous if the session of ``tokens`` has ended. One query more than Django's."""
    user = auth.get_user(request)
    if not user.is_authenticated:
        return user
    session_id = request.session.get(_KEY)
    if session_id is None or not _is_live(user, UUID(session_id)):
        request.session.flush()
        return AnonymousUser()
    return user


def read_again(request: Any) -> None:
    """Read the browser's session again, because its person has just shown who they are."""
    session_id = session_id_of(request)
    if session_id is None or not _is_live(request.user, session_id):
        request.user.presented_principal = None


def _is_live(user: Any, session_id: UUID) -> bool:
    """Leave the principal of a live session on its user, as of a request with a token: rules may ask for it."""
    principal = verification.authenticate_admin_session(
        session_id=session_id,
        user_id=user.pk,
        now=database_clock.now(),
    )
    user.presented_principal = principal
    return principal is not None


def session_id_of(request: Any) -> UUID | None:
    """Return the id of the browser's session of ``tokens``."""
    session_id = request.session.get(_KEY)
    return UUID(session_id) if session_id is not None else None


def end(request: Any) -> None:
    """End the browser's session, if it has one, because the user signs out."""
    session_id = request.session.get(_KEY)
    user_id = request.session.get(auth.SESSION_KEY)
    if session_id is not None and user_id is not None:
        revocation.end_session(
            session_id=UUID(session_id),
            user_id=UUID(user_id),
            reason=LOGOUT,
            now=database_clock.now(),
        )
