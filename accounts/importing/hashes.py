"""Assess the password hashes of other systems: store, wrap or refuse them.

A hash is refused if it can't be read, or if its check would take so long that one row of a dump could block the hashing
threads. A hash that is guessed too fast from a stolen table is weak: it is wrapped in bcrypt. Others are stored as they
are.
"""

import base64
import binascii
import re
import string
from dataclasses import dataclass, field

from accounts.importing.hashers import DIGESTS, b64, pbkdf2_encoded
from accounts.importing.refusals import RowRefused

# More is refused. At these bounds a sign-in occupies a core for about two seconds.
MAX_BCRYPT_ROUNDS = 15
MAX_PBKDF2_ITERATIONS = 2_000_000
MAX_ARGON2_KIBIBYTES = 256 * 1024
MAX_ARGON2_PASSES = 20
MAX_ARGON2_LANES = 16
MAX_ARGON2_WORK = 2 * 1024 * 1024  # KiB written in all passes together
MAX_SCRYPT_MEMORY = 16 * 1024 * 1024  # bytes
MAX_SCRYPT_LANES = 16
# Less is weak.
MIN_BCRYPT_ROUNDS = 10
MIN_PBKDF2_ITERATIONS = 20_000
MIN_ARGON2_WORK = 16 * 1024
MIN_SCRYPT_MEMORY = 4 * 1024 * 1024

MAX_SALT_BYTES = 64
MIN_KEY_BYTES, MAX_KEY_BYTES = 16, 64
BCRYPT_ALGORITHM_MIN_ROUNDS = 4  # the algorithm's own
_BCRYPT = re.compile(r"\$2[aby]\$([0-9]{2})\$[./A-Za-z0-9]{53}")
_ARGON2 = re.compile(
    r"\$(argon2(?:id|i|d))\$v=(16|19)\$m=([0-9]{1,9}),t=([0-9]{1,9}),p=([0-9]{1,9})"
    r"\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)"
)
_PHC_PBKDF2 = re.compile(r"\$pbkdf2-(sha1|sha256|sha512)\$i=([0-9]{1,12})(?:,l=[0-9]{1,4})?\$([^$]+)\$([^$]+)")
_LDAP = {
    "{SHA}": "sha1",
    "{SSHA}": "sha1",
    "{MD5}": "md5",
    "{SMD5}": "md5",
    "{SHA256}": "sha256",
    "{SSHA256}": "sha256",
    "{SHA512}": "sha512",
    "{SSHA512}": "sha512",
}
_SIZES = {"md5": 16, "sha1": 20, "sha256": 32, "sha512": 64}
_ASCII = frozenset(string.printable) - set(string.whitespace)


@dataclass(frozen=True, slots=True)
class StorableHash:
    """A hash in the encoding in which it is stored."""

    encoded: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class WeakHash:
    """A hash to be wrapped: ``inner`` says how it is computed from a password, ``digest`` is its value."""

    inner: str = field(repr=False)
    digest: bytes = field(repr=False)


AssessedHash = StorableHash | WeakHash


def assess_django(text: str) -> AssessedHash:
    """Assess a hash in Django's encoding.

    Raises: RowRefused.
    """
    if re.fullmatch(r"[0-9a-fA-F]{32}", text):  # old Django: MD5 without a salt
        return assess_digest("md5", bytes.fromhex(text))
    algorithm, _, rest = text.partition("$")
    match algorithm:
        case "pbkdf2_sha256" | "pbkdf2_sha1":
            return _django_pbkdf2(text, algorithm.removeprefix("pbkdf2_"), rest)
        case "argon2":
            return assess_argon2(f"${rest}")
        case "bcrypt" | "bcrypt_sha256":
            return assess_bcrypt(rest, kind=algorithm)
        case "scrypt":
            return _django_scrypt(text, rest)
        case "md5" | "sha1" | "unsalted_md5" | "unsalted_sha1":
            salt, _, digest = rest.partition("$")
            return assess_digest(algorithm.removeprefix("unsalted_"), _hex(digest), prefix=salt.encode())
    raise RowRefused("hash_unsupported")


def assess_bcrypt(text: str, *, kind: str = "bcrypt") -> AssessedHash:
    """Assess a hash in bcrypt's own form; ``kind`` is Django's name of what was hashed.

    Raises: RowRefused.
    """
    found = _BCRYPT.fullmatch(text)
    if found is None:
        raise RowRefused("hash_unreadable")
    rounds = int(found[1])
    if not BCRYPT_ALGORITHM_MIN_ROUNDS <= rounds <= MAX_BCRYPT_ROUNDS:
        raise RowRefused("hash_cost_refused")
    if rounds < MIN_BCRYPT_ROUNDS:
        return WeakHash(inner=f"{kind}:{b64(text[:29].encode())}", digest=text.encode())
    return StorableHash(f"{kind}${text}")


def assess_pbkdf2(*, digest: str, iterations: int, salt: bytes, key: bytes) -> AssessedHash:
    """Assess a key that PBKDF2 derived (RFC 8018, 5.2).

    Raises: RowRefused.
    """
    if digest not in ("sha1", "sha256", "sha512"):
        raise RowRefused("hash_unsupported")
    _require_cost(1 <= iterations <= MAX_PBKDF2_ITERATIONS)
    _require_sizes(salt, key)
    if iterations < MIN_PBKDF2_ITERATIONS:
        return WeakHash(inner=f"pbkdf2:{digest}:{iterations}:{b64(salt)}:{len(key)}", digest=key)
    return StorableHash(pbkdf2_encoded(digest=digest, iterations=iterations, salt=salt, key=key))


def assess_argon2(text: str) -> AssessedHash:
    """Assess a hash in argon2's own form (RFC 9106; PHC string format).

    Raises: RowRefused.
    """
    found = _ARGON2.fullmatch(text)
    if found is None:
        raise RowRefused("hash_unreadable")
    variety, version, *costs = found.groups()[:5]
    memory, passes, lanes = map(int, costs)
    _require_cost(
        8 * lanes <= memory <= MAX_ARGON2_KIBIBYTES
        and 1 <= passes <= MAX_ARGON2_PASSES
        and 1 <= lanes <= MAX_ARGON2_LANES
        and memory * passes <= MAX_ARGON2_WORK
    )
    salt, key = (unpadded(part) for part in found.groups()[5:])
    _require_sizes(salt, key, least_salt=8)
    if memory * passes < MIN_ARGON2_WORK:
        inner = f"argon2:{variety}:{version}:{memory}:{passes}:{lanes}:{b64(salt)}:{len(key)}"
        return WeakHash(inner=inner, digest=key)
    return StorableHash(f"argon2{text}")


def assess_phc(text: str) -> AssessedHash:
    """Assess a hash that names its own algorithm: bcrypt, argon2, PBKDF2 in PHC's form, or LDAP's.

    Raises: RowRefused.
    """
    if text.startswith("$argon2"):
        return assess_argon2(text)
    if text.startswith("$2"):
        return assess_bcrypt(text)
    if text.startswith("{"):
        return _ldap(text)
    found = _PHC_PBKDF2.fullmatch(text)
    if found is None:
        raise RowRefused("hash_unreadable")
    digest, iterations, salt, key = found.groups()
    return assess_pbkdf2(digest=digest, iterations=int(iterations), salt=unpadded(salt), key=unpadded(key))


def assess_digest(kind: str, digest: bytes, *, prefix: bytes = b"", suffix: bytes = b"") -> AssessedHash:
    """Assess a plain digest of the password, with or without a salt. It is always weak.

    Raises: RowRefused.
    """
    if kind not in DIGESTS:
        raise RowRefused("hash_unsupported")
    if len(digest) != _SIZES[kind] or len(prefix) > MAX_SALT_BYTES or len(suffix) > MAX_SALT_BYTES:
        raise RowRefused("hash_unreadable")
    return WeakHash(inner=f"{kind}:{b64(prefix)}:{b64(suffix)}", digest=digest)


def assess_scrypt(*, n: int, r: int, p: int, salt: bytes, key: bytes) -> AssessedHash:
    """Assess a key that scrypt derived (RFC 7914). It is weak, too, if Django's encoding can't express it.

    Raises: RowRefused.
    """
    memory = 128 * n * r
    _require_cost(n > 1 and n & (n - 1) == 0 and r > 0 and 1 <= p <= MAX_SCRYPT_LANES and memory <= MAX_SCRYPT_MEMORY)
    _require_sizes(salt, key)
    text = salt.decode("ascii", errors="replace")
    is_expressible = len(key) == MAX_KEY_BYTES and set(text) <= _ASCII - {"$"} and text != ""
    if is_expressible and memory >= MIN_SCRYPT_MEMORY:
        return StorableHash(f"scrypt${n}${text}${r}${p}${b64(key)}")
    return WeakHash(inner=f"scrypt:{n}:{r}:{p}:{b64(salt)}:{len(key)}", digest=key)


def padded(text: str) -> bytes:
    """Decode base64 with or without padding.

    Raises: RowRefused.
    """
    return unpadded(text.rstrip("="))


def unpadded(text: str) -> bytes:
    """Decode base64 without padding, as in PHC strings.

    Raises: RowRefused.
    """
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise RowRefused("hash_unreadable") from error


def _django_pbkdf2(text: str, digest: str, rest: str) -> AssessedHash:
    found = re.fullmatch(r"([0-9]{1,12})\$([^$]{1,64})\$([A-Za-z0-9+/]+=*)", rest)
    if found is None:
        raise RowRefused("hash_unreadable")
    iterations, salt, key = found.groups()
    assessed = assess_pbkdf2(digest=digest, iterations=int(iterations), salt=salt.encode(), key=padded(key))
    # Django can check its own encoding.
    return StorableHash(text) if isinstance(assessed, StorableHash) and len(padded(key)) == _SIZES[digest] else assessed


def _django_scrypt(text: str, rest: str) -> AssessedHash:
    found = re.fullmatch(r"([0-9]{1,9})\$([^$]{1,64})\$([0-9]{1,4})\$([0-9]{1,4})\$([A-Za-z0-9+/]+=*)", rest)
    if found is None:
        raise RowRefused("hash_unreadable")
    n, salt, r, p, key = found.groups()
    assessed = assess_scrypt(n=int(n), r=int(r), p=int(p), salt=salt.encode(), key=padded(key))
    return StorableHash(text) if isinstance(assessed, StorableHash) else assessed


def _ldap(text: str) -> AssessedHash:
    scheme, _, encoded = text.partition("}")
    kind = _LDAP.get(f"{scheme.upper()}}}")
    if kind is None:
        raise RowRefused("hash_unsupported")
    value = padded(encoded)
    return assess_digest(kind, value[: _SIZES[kind]], suffix=value[_SIZES[kind] :])


def _hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError as error:
        raise RowRefused("hash_unreadable") from error


def _require_cost(is_acceptable: bool) -> None:
    if not is_acceptable:
        raise RowRefused("hash_cost_refused")


def _require_sizes(salt: bytes, key: bytes, *, least_salt: int = 0) -> None:
    if not (least_salt <= len(salt) <= MAX_SALT_BYTES and MIN_KEY_BYTES <= len(key) <= MAX_KEY_BYTES):
        raise RowRefused("hash_unreadable")
