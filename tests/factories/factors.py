"""People with second factors, added by the services that add them in life."""

from datetime import UTC, datetime

from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value

from accounts.models import TotpSecret, User
from accounts.services.factors import security_keys, totp_enrolment
from tests.authenticator import SoftwareKey
from tests.factories.tokens import open_session

PERIOD = 30


def code_of(secret, at=None, *, steps=0):
    """Return the code of a key at a moment, or some time steps later."""
    at = at or datetime.now(UTC)
    return format_hotp_value(hotp_value(secret, int(at.timestamp()) // PERIOD + steps))


def add_totp(user, *, now=None, session_id=None):
    """Give somebody an authenticator application; return its key and the recovery codes.

    It was confirmed a step ago, so that the code of the moment is still good.
    """
    session_id = session_id or open_session(user=user, now=now).session_id
    secret = totp_enrolment.begin(user=user, now=now).secret
    codes = totp_enrolment.activate(user=user, session_id=session_id, code=code_of(secret, now, steps=-1), now=now)
    user.refresh_from_db()
    return secret, codes


def add_key(user, *, now=None, session_id=None, key=None, is_passkey=False, name="Blue key"):
    """Give somebody a security key; return the key and what the service returned."""
    session_id = session_id or open_session(user=user, now=now).session_id
    key = key or SoftwareKey()
    options = security_keys.begin(user=user, session_id=session_id, is_passkey=is_passkey, now=now)
    added = security_keys.register(user=user, session_id=session_id, name=name, credential=key.create(options), now=now)
    user.refresh_from_db()
    return key, added


def secret_of(user: User) -> str:
    return TotpSecret.objects.get(pk=user.pk).secret
