"""Sessions with their tokens, made by the services that make them in life."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from tests.factories.accounts import UserFactory
from tokens.access_tokens.codec import decode_access_token
from tokens.models import TokenFamily
from tokens.services import issuing
from tokens.types import AccessClaims, ClientContext, TokenPair

PHONE = ClientContext(ip_address="203.0.113.7", user_agent="Phone/1.0")


def open_session(
    *, user: Any = None, now: datetime | None = None, client: ClientContext = PHONE, amr: Sequence[str] = ("pwd",)
) -> TokenPair:
    """Open a session of a user by the service of ``tokens``."""
    user = user or UserFactory()
    with transaction.atomic():
        type(user).objects.select_for_update().get(pk=user.pk)
        return issuing.open_session(user=user, client=client, amr=amr, now=now or timezone.now())


def open_admin_session(
    *, user: Any, now: datetime | None = None, client: ClientContext = PHONE, max_age: timedelta = timedelta(hours=12)
) -> UUID:
    """Open a session of the admin's pages."""
    with transaction.atomic():
        type(user).objects.select_for_update().get(pk=user.pk)
        return issuing.open_admin_session(
            user=user, client=client, amr=("pwd",), max_age=max_age, now=now or timezone.now()
        )


def sign_in_at_admin(browser: Any, user: Any) -> UUID:
    """Sign a test client in at the admin without its form; return the session's id."""
    session_id = open_admin_session(user=user)
    browser.force_login(user)
    kept = browser.session
    kept["accounts.session_id"] = str(session_id)
    kept.save()
    return session_id


def family_of(pair: TokenPair) -> TokenFamily:
    """Return the living family of a session."""
    return TokenFamily.objects.select_related("session").get(session_id=pair.session_id, is_revoked=False)


def claims_of(pair: TokenPair) -> AccessClaims:
    """Return what the access token of a pair says."""
    return decode_access_token(pair.access_token)
