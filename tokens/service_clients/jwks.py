"""The JSON Web Key Set of a service client (RFC 7517): public keys that its assertions are verified with.

A set is given as it is, and never fetched from an address: a server that fetches what others name can be used against
its own network (OWASP ASVS 5.0, 1.3.6).
"""

from collections.abc import Iterator, Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from django.utils.translation import gettext_lazy as _
from jwt import PyJWK
from jwt.exceptions import PyJWTError

from tokens.errors import JwksInvalid
from tokens.signing_algorithms import MIN_RSA_BITS, PublicKey

ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA", "Ed25519")  # the last two are the same (RFC 9864)
MOST_KEYS = 10
LONGEST_KEY_ID = 200
# To verify with a larger key takes long: its owner would slow everybody down.
MAX_RSA_BITS = 4096
_PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_PUBLIC_MEMBERS = ("kty", "crv", "x", "y", "n", "e", "kid", "alg")


def validated_jwks(given: Any) -> dict[str, Any]:
    """Return a key set with its public members only.

    Raises: JwksInvalid, also for private keys, because whoever sent one has disclosed it.
    """
    keys = given.get("keys") if isinstance(given, Mapping) else None
    if not isinstance(keys, list) or not 1 <= len(keys) <= MOST_KEYS:
        raise JwksInvalid(_("It must be a JSON object whose member keys is a list of 1 to 10 keys."))
    found = [_validated_key(key) for key in keys]
    key_ids = [key["kid"] for key in found if "kid" in key]
    if len(set(key_ids)) < len(key_ids):
        raise JwksInvalid(_("Two keys have the same kid."))
    return {"keys": found}


def verification_keys(jwks: Mapping[str, Any], *, algorithm: str, key_id: str | None) -> Iterator[PublicKey]:
    """Yield the keys of a stored set that an assertion of this header may be signed with.

    The key decides about the algorithm, not the header (RFC 8725, 3.1): a key verifies only algorithms of its type, and
    only the one that it names, if it names one.
    """
    for members in jwks["keys"]:
        if key_id is not None and members.get("kid") != key_id:
            continue
        public = _public_key(members)
        if algorithm in _algorithms_of(public) and members.get("alg", algorithm) == algorithm:
            yield public


def _validated_key(key: Any) -> dict[str, str]:
    if not isinstance(key, Mapping) or not all(isinstance(key[name], str) for name in _PUBLIC_MEMBERS if name in key):
        raise JwksInvalid(_("A key is no JSON Web Key."))
    if _PRIVATE_MEMBERS & key.keys():
        raise JwksInvalid(_("A key is private or symmetric. Replace it, and send the public key only."))
    if key.get("use", "sig") != "sig":
        raise JwksInvalid(_("A key is not for signatures."))
    if not 0 < len(key.get("kid", "-")) <= LONGEST_KEY_ID or not key.get("kid", "-").isprintable():
        raise JwksInvalid(_("A kid is empty, too long or not printable."))
    algorithms = _algorithms_of(_public_key(key))
    if not algorithms or key.get("alg", algorithms[0]) not in algorithms:
        raise JwksInvalid(
            _("A key is neither RSA of 2048 to 4096 bits, nor P-256, nor Ed25519, or its alg is another.")
        )
    return {name: key[name] for name in _PUBLIC_MEMBERS if name in key}


def _public_key(members: Mapping[str, Any]) -> PublicKey:
    # Without `alg`, so that PyJWT reads the key by its type.
    typed = {name: members[name] for name in members if name not in ("alg", "use", "key_ops")}
    try:
        public: PublicKey = PyJWK(typed, algorithm=_ANY_ALGORITHM.get(str(members.get("kty")))).key
    except (PyJWTError, ValueError, TypeError, KeyError) as error:
        raise JwksInvalid(_("A key is no JSON Web Key.")) from error
    return public


_ANY_ALGORITHM = {"RSA": "RS256", "EC": "ES256", "OKP": "EdDSA"}


def _algorithms_of(public: object) -> tuple[str, ...]:
    if isinstance(public, RSAPublicKey):
        return ("RS256", "PS256") if MIN_RSA_BITS <= public.key_size <= MAX_RSA_BITS else ()
    if isinstance(public, EllipticCurvePublicKey):
        return ("ES256",) if isinstance(public.curve, SECP256R1) else ()
    return ("EdDSA", "Ed25519") if isinstance(public, Ed25519PublicKey) else ()
