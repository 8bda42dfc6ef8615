"""Generate, publish and retire the keys that sign access tokens."""

from datetime import datetime, timedelta

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from django.db import connection, transaction
from django.db.models import Q
from django.db.models.functions import Least, Now
from django.utils.translation import gettext_lazy as _

from security_events.services import recording
from security_events.types import Subject
from tokens import event_types, jwk
from tokens.conf import token_settings
from tokens.errors import SigningKeyUnusable
from tokens.keyring import keyring
from tokens.models import SigningKey

_BITS = 2048
_PUBLIC_EXPONENT = 65537
_LOCK = 0x70CE_0001  # number of the advisory lock that key changes take
# Added to the lifetime of the last token before its key is dropped, because clocks differ.
_MARGIN = timedelta(minutes=1)


def ensure_first(*, now: datetime) -> SigningKey | None:
    """Generate a key that signs at once if there is none; return it, or ``None`` if there was one."""
    with transaction.atomic():
        _lock()
        if SigningKey.objects.filter(Q(retired_at__isnull=True) | Q(retired_at__gt=now)).exists():
            return None
        key = _store(_generate(), activated_at=now, now=now)
        recording.record(event_types.KEY_CREATED, target=Subject(id=key.kid), now=now)
    keyring.clear()
    return key


def rotate(*, now: datetime, emergency: bool = False, pem: bytes | None = None) -> SigningKey:
    """Publish a new key (generated, or given as PEM) and return it.

    It signs after ``JWKS_PROPAGATION_TTL``, so that every service can fetch it first. The key before it stays published
    until the last token that it signed has expired. In an emergency the new key signs at once and all others are
    dropped: their access tokens are refused, refresh tokens still work.

    Raises: SigningKeyUnusable.
    """
    private = _generate() if pem is None else _private_key_of(pem)
    with transaction.atomic():
        _lock()
        activated_at = now if emergency else now + token_settings.JWKS_PROPAGATION_TTL
        old = SigningKey.objects.filter(Q(expires_at__isnull=True) | Q(expires_at__gt=now))
        if emergency:
            at_once = Least(now, Now())  # whichever clock is behind
            old.filter(Q(retired_at__isnull=True) | Q(retired_at__gt=now)).update(retired_at=at_once)
            old.update(expires_at=at_once)
        else:
            old.filter(Q(retired_at__isnull=True) | Q(retired_at__gt=activated_at)).update(
                retired_at=activated_at, expires_at=activated_at + token_settings.ACCESS_TTL + _MARGIN
            )
        key = _store(private, activated_at=activated_at, now=now)
        recording.record(
            event_types.KEY_ROTATED,
            target=Subject(id=key.kid),
            now=now,
            data={"emergency": emergency, "signs_from": activated_at},
        )
    keyring.clear()
    return key


def kid_of(pem: bytes) -> str:
    """Return the id that a private key in PEM would get.

    Raises: SigningKeyUnusable.
    """
    return jwk.thumbprint_of(_private_key_of(pem).public_key())


def _lock() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


def _generate() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=_PUBLIC_EXPONENT, key_size=_BITS)


def _private_key_of(pem: bytes) -> rsa.RSAPrivateKey:
    try:
        private = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise SigningKeyUnusable(reason=_("It is not an unencrypted private key in PEM.")) from error
    if not isinstance(private, rsa.RSAPrivateKey) or private.key_size < _BITS:
        raise SigningKeyUnusable(reason=_("It is not an RSA key of at least 2048 bits."))
    if SigningKey.objects.filter(pk=jwk.thumbprint_of(private.public_key())).exists():
        raise SigningKeyUnusable(reason=_("It is known already."))
    return private


def _store(private: rsa.RSAPrivateKey, *, activated_at: datetime, now: datetime) -> SigningKey:
    public = private.public_key()
    return SigningKey.objects.create(
        kid=jwk.thumbprint_of(public),
        public_key=public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
        private_key=private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        created_at=now,
        activated_at=activated_at,
    )
