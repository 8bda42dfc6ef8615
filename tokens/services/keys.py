"""Generate, publish and retire the keys that sign access tokens."""

from datetime import datetime, timedelta

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Least, Now
from django.utils.encoding import force_str
from django.utils.translation import gettext_lazy as _

from security_events.services import recording
from security_events.types import Subject
from tokens import event_types
from tokens.access_tokens import jwk
from tokens.access_tokens.keyring import keyring
from tokens.conf import token_settings
from tokens.errors import SigningKeyUnusable
from tokens.models import SignalStream, SigningKey
from tokens.signing_algorithms import RS256, SIGNING_ALGORITHMS, PrivateKey, SigningAlgorithm, algorithm_of

_LOCK = 0x70CE_0001  # number of the advisory lock that key changes take
# Added to the lifetime of the last token before its key is dropped, because clocks differ.
_MARGIN = timedelta(minutes=1)


def ensure_first(*, now: datetime) -> SigningKey | None:
    """Generate a key of ``ACCESS_TOKEN_ALGORITHM`` that signs at once if there is none.

    Return it, or ``None`` if there was a key, be it of another algorithm: only ``rotate`` changes that.
    """
    with transaction.atomic():
        _lock()
        if _usable(now).filter(signs_access_tokens=True).exists():
            return None
        algorithm = _algorithm_of_new_keys()
        key = _store(algorithm.generate(), algorithm=algorithm, activated_at=now, now=now)
        recording.record(
            event_types.KEY_CREATED, target=Subject(id=key.kid), now=now, data={"algorithm": key.algorithm}
        )
    keyring.clear()
    return key


def ensure_signal_key(*, now: datetime) -> None:
    """Generate a key that signs security event tokens only, if no key of RS256 signs now.

    Receivers of shared signals accept RS256 alone (CAEP Interoperability Profile 1.0, 2.6). While that is the algorithm
    of access tokens, their key signs both.
    """
    with transaction.atomic():
        _lock()
        if _usable(now).filter(algorithm=RS256.name).exists():
            return
        _store_signal_key(activated_at=now, now=now)
    keyring.clear()


def rotate(*, now: datetime, emergency: bool = False, pem: bytes | None = None) -> SigningKey:
    """Publish a new key of ``ACCESS_TOKEN_ALGORITHM`` (generated, or given as PEM) and return it.

    Where streams of shared signals need a key of their own, that one is replaced, too.

    It signs after ``JWKS_PROPAGATION_TTL``, so that every service can fetch it first. The key before it stays published
    until the last token that it signed has expired. In an emergency the new key signs at once and all others are
    dropped: their access tokens are refused, refresh tokens still work.

    Raises: SigningKeyUnusable.
    """
    algorithm = _algorithm_of_new_keys()
    private = algorithm.generate() if pem is None else _private_key_of(pem)
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
        key = _store(private, algorithm=algorithm, activated_at=activated_at, now=now)
        if algorithm is not RS256 and SignalStream.objects.exists():
            _store_signal_key(activated_at=activated_at, now=now)
        recording.record(
            event_types.KEY_ROTATED,
            target=Subject(id=key.kid),
            now=now,
            data={"algorithm": key.algorithm, "emergency": emergency, "signs_from": activated_at},
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


def _algorithm_of_new_keys() -> SigningAlgorithm:
    return SIGNING_ALGORITHMS[token_settings.ACCESS_TOKEN_ALGORITHM]


def _private_key_of(pem: bytes) -> PrivateKey:
    try:
        private = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise SigningKeyUnusable(reason=_("It is not an unencrypted private key in PEM.")) from error
    found, wanted = algorithm_of(private.public_key()), _algorithm_of_new_keys()
    if found is None or not isinstance(private, PrivateKey):
        raise SigningKeyUnusable(reason=_("It is neither an RSA key of at least 2048 bits, nor P-256, nor Ed25519."))
    if found is not wanted:
        names = {"algorithm": found.name, "setting": wanted.name}
        reason = _("It is a key for %(algorithm)s, and ACCESS_TOKEN_ALGORITHM is %(setting)s.")
        raise SigningKeyUnusable(reason=force_str(reason) % names)
    if SigningKey.objects.filter(pk=jwk.thumbprint_of(private.public_key())).exists():
        raise SigningKeyUnusable(reason=_("It is known already."))
    return private


def _usable(now: datetime) -> QuerySet[SigningKey]:
    return SigningKey.objects.filter(Q(retired_at__isnull=True) | Q(retired_at__gt=now))


def _store_signal_key(*, activated_at: datetime, now: datetime) -> None:
    key = _store(RS256.generate(), algorithm=RS256, activated_at=activated_at, now=now, signs_access_tokens=False)
    recording.record(event_types.KEY_CREATED, target=Subject(id=key.kid), now=now, data={"algorithm": key.algorithm})


def _store(
    private: PrivateKey,
    *,
    algorithm: SigningAlgorithm,
    activated_at: datetime,
    now: datetime,
    signs_access_tokens: bool = True,
) -> SigningKey:
    public = private.public_key()
    return SigningKey.objects.create(
        kid=jwk.thumbprint_of(public),
        algorithm=algorithm.name,
        public_key=public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
        private_key=private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        created_at=now,
        activated_at=activated_at,
        signs_access_tokens=signs_access_tokens,
    )
