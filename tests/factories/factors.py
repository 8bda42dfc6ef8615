"""People with second factors, added by the services that add them in life."""

import base64
from datetime import UTC, datetime

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.hotp import HOTP

from accounts.errors import MfaCodeInvalid
from accounts.factors import totp
from accounts.factors.webauthn_challenges import ChallengeBinding
from accounts.models import CeremonyPurpose, TotpEnrolment, TotpSecret, User
from accounts.services.factors import security_keys, totp_enrolment
from tests.clients.authenticator import SoftwareKey
from tests.factories.tokens import open_session

PERIOD = 30
# Codes are bound to nothing, so that any binding does.
NO_BINDING = ChallengeBinding(CeremonyPurpose.REAUTHENTICATION)


def hotp_code(secret, counter):
    """Return the code of a key at a counter (RFC 4226, 5.3)."""
    return HOTP(base64.b32decode(secret), 6, SHA1()).generate(counter).decode()  # noqa: S303 - RFC 6238


def code_of(secret, at=None, *, steps=0):
    """Return the code of a key at a moment, or some time steps later."""
    at = at or datetime.now(UTC)
    return hotp_code(secret, int(at.timestamp()) // PERIOD + steps)


def add_totp(user, *, now=None, session_id=None):
    """Give a user an authenticator application; return its key and the recovery codes.

    It was confirmed a step ago, so that the code of the moment is still good. The secret is stored as
    ``totp_enrolment.begin`` does, without the QR code: to draw it took more than half of the time.
    """
    session_id, now = session_id or open_session(user=user, now=now).session_id, now or datetime.now(UTC)
    secret = totp.generate_secret()
    TotpEnrolment(user_id=user.pk, secret=secret, expires_at=now + totp_enrolment.LIFETIME).save()
    codes = totp_enrolment.activate(user=user, session_id=session_id, code=code_of(secret, now, steps=-1), now=now)
    user.refresh_from_db()
    return secret, codes


def add_key(user, *, now=None, session_id=None, key=None, is_passkey=False, name="Blue key"):
    """Give a user a security key; return the key and what the service returned."""
    session_id, now = session_id or open_session(user=user, now=now).session_id, now or datetime.now(UTC)
    key = key or SoftwareKey()
    options = security_keys.begin(user=user, session_id=session_id, is_passkey=is_passkey, now=now)
    added = security_keys.register(user=user, session_id=session_id, name=name, credential=key.create(options), now=now)
    user.refresh_from_db()
    return key, added


def accepts(factor, user, code, now):
    """Tell whether a module of ``accounts.factors`` accepts a code."""
    try:
        return bool(factor.verify(user=user, response=code, binding=NO_BINDING, now=now))
    except MfaCodeInvalid:
        return False


def secret_of(user: User) -> str:
    return TotpSecret.objects.get(pk=user.pk).secret
