"""Judge the password hashes of other systems: keep, wrap or refuse.

Refused is what would cost the server too much at a sign-in, so that one row of a dump can't keep the hashing threads
busy, and what can't be read. Wrapped is what would be guessed too fast from a stolen table. Everything else is kept.
"""

import base64
import binascii
import re
import string
from dataclasses import dataclass, field

from accounts.imported_hashers import DIGESTS, b64, pbkdf2_encoded
from accounts.imports.refusals import RowRefused

# Above: refused. At the bounds a sign-in takes a core for two seconds or so.
MOST_BCRYPT_ROUNDS = 15
MOST_PBKDF2_ITERATIONS = 2_000_000
MOST_ARGON2_KIBIBYTES = 256 * 1024
MOST_ARGON2_PASSES = 20
MOST_ARGON2_LANES = 16
MOST_ARGON2_WORK = 2 * 1024 * 1024  # KiB written in all passes together
MOST_SCRYPT_MEMORY = 16 * 1024 * 1024  # bytes
MOST_SCRYPT_LANES = 16
# Below: wrapped.
LEAST_BCRYPT_ROUNDS = 10
LEAST_PBKDF2_ITERATIONS = 20_000
LEAST_ARGON2_WORK = 16 * 1024
LEAST_SCRYPT_MEMORY = 4 * 1024 * 1024

LONGEST_SALT = 64
SHORTEST_KEY, LONGEST_KEY = 16, 64
FEWEST_BCRYPT_ROUNDS = 4  # the algorithm's own
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
class Kept:
    """A hash as it can be stored."""

    encoded: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Weak:
    """A hash to be wrapped: how it is made from a password, and what it is."""

    inner: str = field(repr=False)
    digest: bytes = field(repr=False)


Judged = Kept | Weak


def judge_django(text: str) -> Judged:
    """Judge a hash in Django's encoding.

    Raises: RowRefused.
    """
    if re.fullmatch(r"[0-9a-fA-F]{32}", text):  # as Django stored md5 without a salt once
        return judge_digest("md5", bytes.fromhex(text))
    algorithm, _, rest = text.partition("$")
    match algorithm:
        case "pbkdf2_sha256" | "pbkdf2_sha1":
            return _django_pbkdf2(text, algorithm.removeprefix("pbkdf2_"), rest)
        case "argon2":
            return judge_argon2(f"${rest}")
        case "bcrypt" | "bcrypt_sha256":
            return judge_bcrypt(rest, kind=algorithm)
        case "scrypt":
            return _django_scrypt(text, rest)
        case "md5" | "sha1" | "unsalted_md5" | "unsalted_sha1":
            salt, _, digest = rest.partition("$")
            return judge_digest(algorithm.removeprefix("unsalted_"), _hex(digest), prefix=salt.encode())
    raise RowRefused("hash_unsupported")


def judge_bcrypt(text: str, *, kind: str = "bcrypt") -> Judged:
    """Judge a hash in bcrypt's own form; ``kind`` says what was hashed, as Django names it.

    Raises: RowRefused.
    """
    found = _BCRYPT.fullmatch(text)
    if found is None:
        raise RowRefused("hash_unreadable")
    rounds = int(found[1])
    if not FEWEST_BCRYPT_ROUNDS <= rounds <= MOST_BCRYPT_ROUNDS:
        raise RowRefused("hash_cost_refused")
    if rounds < LEAST_BCRYPT_ROUNDS:
        return Weak(inner=f"{kind}:{b64(text[:29].encode())}", digest=text.encode())
    return Kept(f"{kind}${text}")


def judge_pbkdf2(*, digest: str, iterations: int, salt: bytes, key: bytes) -> Judged:
    """Judge a key that PBKDF2 derived (RFC 8018, 5.2).

    Raises: RowRefused.
    """
    if digest not in ("sha1", "sha256", "sha512"):
        raise RowRefused("hash_unsupported")
    _require_cost(1 <= iterations <= MOST_PBKDF2_ITERATIONS)
    _require_sizes(salt, key)
    if iterations < LEAST_PBKDF2_ITERATIONS:
        return Weak(inner=f"pbkdf2:{digest}:{iterations}:{b64(salt)}:{len(key)}", digest=key)
    return Kept(pbkdf2_encoded(digest=digest, iterations=iterations, salt=salt, key=key))


def judge_argon2(text: str) -> Judged:
    """Judge a hash in argon2's own form (RFC 9106; PHC string format).

    Raises: RowRefused.
    """
    found = _ARGON2.fullmatch(text)
    if found is None:
        raise RowRefused("hash_unreadable")
    variety, version, *costs = found.groups()[:5]
    memory, passes, lanes = map(int, costs)
    _require_cost(
        8 * lanes <= memory <= MOST_ARGON2_KIBIBYTES
        and 1 <= passes <= MOST_ARGON2_PASSES
        and 1 <= lanes <= MOST_ARGON2_LANES
        and memory * passes <= MOST_ARGON2_WORK
    )
    salt, key = (unpadded(part) for part in found.groups()[5:])
    _require_sizes(salt, key, least_salt=8)
    if memory * passes < LEAST_ARGON2_WORK:
        inner = f"argon2:{variety}:{version}:{memory}:{passes}:{lanes}:{b64(salt)}:{len(key)}"
        return Weak(inner=inner, digest=key)
    return Kept(f"argon2{text}")


def judge_phc(text: str) -> Judged:
    """Judge a hash that says itself what it is: bcrypt, argon2, PBKDF2 in PHC's form, or LDAP's.

    Raises: RowRefused.
    """
    if text.startswith("$argon2"):
        return judge_argon2(text)
    if text.startswith("$2"):
        return judge_bcrypt(text)
    if text.startswith("{"):
        return _ldap(text)
    found = _PHC_PBKDF2.fullmatch(text)
    if found is None:
        raise RowRefused("hash_unreadable")
    digest, iterations, salt, key = found.groups()
    return judge_pbkdf2(digest=digest, iterations=int(iterations), salt=unpadded(salt), key=unpadded(key))


def judge_digest(kind: str, digest: bytes, *, prefix: bytes = b"", suffix: bytes = b"") -> Judged:
    """Judge a bare digest of the password and perhaps a salt: always weak.

    Raises: RowRefused.
    """
    if kind not in DIGESTS:
        raise RowRefused("hash_unsupported")
    if len(digest) != _SIZES[kind] or len(prefix) > LONGEST_SALT or len(suffix) > LONGEST_SALT:
        raise RowRefused("hash_unreadable")
    return Weak(inner=f"{kind}:{b64(prefix)}:{b64(suffix)}", digest=digest)


def judge_scrypt(*, n: int, r: int, p: int, salt: bytes, key: bytes) -> Judged:
    """Judge a key that scrypt derived (RFC 7914). What Django's own hasher can't say is wrapped.

    Raises: RowRefused.
    """
    memory = 128 * n * r
    _require_cost(n > 1 and n & (n - 1) == 0 and r > 0 and 1 <= p <= MOST_SCRYPT_LANES and memory <= MOST_SCRYPT_MEMORY)
    _require_sizes(salt, key)
    text = salt.decode("ascii", errors="replace")
    is_sayable = len(key) == LONGEST_KEY and set(text) <= _ASCII - {"$"} and text != ""
    if is_sayable and memory >= LEAST_SCRYPT_MEMORY:
        return Kept(f"scrypt${n}${text}${r}${p}${b64(key)}")
    return Weak(inner=f"scrypt:{n}:{r}:{p}:{b64(salt)}:{len(key)}", digest=key)


def padded(text: str) -> bytes:
    """Return what base64 says, padded or not.

    Raises: RowRefused.
    """
    return unpadded(text.rstrip("="))


def unpadded(text: str) -> bytes:
    """Return what base64 without padding says, as PHC strings have it.

    Raises: RowRefused.
    """
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise RowRefused("hash_unreadable") from error


def _django_pbkdf2(text: str, digest: str, rest: str) -> Judged:
    found = re.fullmatch(r"([0-9]{1,12})\$([^$]{1,64})\$([A-Za-z0-9+/]+=*)", rest)
    if found is None:
        raise RowRefused("hash_unreadable")
    iterations, salt, key = found.groups()
    judged = judge_pbkdf2(digest=digest, iterations=int(iterations), salt=salt.encode(), key=padded(key))
    # Django reads its own encoding.
    return Kept(text) if isinstance(judged, Kept) and len(padded(key)) == _SIZES[digest] else judged


def _django_scrypt(text: str, rest: str) -> Judged:
    found = re.fullmatch(r"([0-9]{1,9})\$([^$]{1,64})\$([0-9]{1,4})\$([0-9]{1,4})\$([A-Za-z0-9+/]+=*)", rest)
    if found is None:
        raise RowRefused("hash_unreadable")
    n, salt, r, p, key = found.groups()
    judged = judge_scrypt(n=int(n), r=int(r), p=int(p), salt=salt.encode(), key=padded(key))
    return Kept(text) if isinstance(judged, Kept) else judged


def _ldap(text: str) -> Judged:
    scheme, _, encoded = text.partition("}")
    kind = _LDAP.get(f"{scheme.upper()}}}")
    if kind is None:
        raise RowRefused("hash_unsupported")
    value = padded(encoded)
    return judge_digest(kind, value[: _SIZES[kind]], suffix=value[_SIZES[kind] :])


def _hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError as error:
        raise RowRefused("hash_unreadable") from error


def _require_cost(is_bearable: bool) -> None:
    if not is_bearable:
        raise RowRefused("hash_cost_refused")


def _require_sizes(salt: bytes, key: bytes, *, least_salt: int = 0) -> None:
    if not (least_salt <= len(salt) <= LONGEST_SALT and SHORTEST_KEY <= len(key) <= LONGEST_KEY):
        raise RowRefused("hash_unreadable")
