"""Tie a browser that is signed in at the admin to a session of ``tokens``, which is what ends it.

Django's own session only remembers which session that is: by itself it keeps nobody signed in.
"""

from typing import Any
from uuid import UUID

from django.contrib import auth
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from accounts.services.administration.admin_sign_in import AdminSignIn
from tokens.end_reasons import LOGOUT
from tokens.services import revocation, verification

BACKEND = "accounts.backends.PooledBackend"
_KEY = "accounts.session_id"


def begin(request: Any, signed_in: AdminSignIn) -> None:
    """Sign the browser in, under a new key (OWASP ASVS 5.0, 7.2.4); a session that it had before ends."""
    end(request)
    auth.login(request, signed_in.user, backend=BACKEND)
    request.session.cycle_key()
    request.session[_KEY] = str(signed_in.session_id)


def user_of(request: Any) -> Any:
    """Return who is signed in, nobody once the session of ``tokens`` has ended, in one query more than Django's."""
    user = auth.get_user(request)
    if not user.is_authenticated:
        return user
    kept = request.session.get(_KEY)
    if kept is None or not verification.authenticate_admin_session(
        session_id=UUID(kept), user_id=user.pk, now=timezone.now()
    ):
        request.session.flush()
        return AnonymousUser()
    return user


def end(request: Any) -> None:
    """End the browser's session, if it has one, for its owner signs out."""
    kept = request.session.get(_KEY)
    user_id = request.session.get(auth.SESSION_KEY)
    if kept is not None and user_id is not None:
        revocation.end_session(session_id=UUID(kept), user_id=UUID(user_id), reason=LOGOUT, now=timezone.now())
