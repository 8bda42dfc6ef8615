"""Read password hashes that other systems made. Nobody's new password is hashed like this.

Whoever signs in gets a hash of the current kind in the place of one of these, so they die out by themselves.
"""

import base64
import hashlib
from collections.abc import Callable
from typing import Any

import argon2.low_level
import bcrypt
from django.contrib.auth.hashers import BasePasswordHasher, BCryptPasswordHasher, mask_hash
from django.utils.crypto import constant_time_compare, pbkdf2
from django.utils.functional import classproperty
from django.utils.translation import gettext_noop

from accounts.conf import account_settings

BCRYPT_LENGTH = 72  # bytes; the systems that made raw bcrypt hashes ignored the rest
DIGESTS = ("md5", "sha1", "sha256", "sha512")


class RawBCryptHasher(BCryptPasswordHasher):
    """bcrypt over the password itself, as most other systems use it: ``bcrypt$$2b$10$…``."""

    bridges_to_current = True

    @classproperty
    def rounds(cls) -> int:  # noqa: N805 - a property of the class
        return account_settings.BCRYPT_ROUNDS

    def encode(self, password: str, salt: Any) -> str:
        return f"{self.algorithm}${bcrypt.hashpw(password.encode()[:BCRYPT_LENGTH], salt).decode('ascii')}"


class RawPBKDF2Hasher(BasePasswordHasher):
    """PBKDF2 with any salt and length of key, which Django's own can't say: ``pbkdf2_raw$sha512$27500$salt$key``."""

    algorithm = "pbkdf2_raw"

    def encode(self, password: str, salt: str, *, digest: str, iterations: int, length: int) -> str:  # type: ignore[override]
        key = pbkdf2(password, base64.b64decode(salt), iterations, length, getattr(hashlib, digest))
        return pbkdf2_encoded(digest=digest, iterations=iterations, salt=base64.b64decode(salt), key=key)

    def decode(self, encoded: str) -> dict[str, Any]:
        algorithm, digest, iterations, salt, key = encoded.split("$")
        return {
            "algorithm": algorithm,
            "digest": digest,
            "iterations": int(iterations),
            "salt": salt,
            "hash": key,
        }

    def verify(self, password: str, encoded: str) -> bool:
        found = self.decode(encoded)
        length = len(base64.b64decode(found["hash"]))
        again = self.encode(
            password, found["salt"], digest=found["digest"], iterations=found["iterations"], length=length
        )
        return constant_time_compare(encoded, again)

    def must_update(self, encoded: str) -> bool:
        return True

    def harden_runtime(self, password: str, encoded: str) -> None:
        """Leave the time as it is: what follows a wrong password takes a whole hash of the current kind."""

    def safe_summary(self, encoded: str) -> dict[Any, Any]:
        found = self.decode(encoded)
        return {
            gettext_noop("algorithm"): f"{self.algorithm} {found['digest']}",
            gettext_noop("iterations"): found["iterations"],
            gettext_noop("hash"): mask_hash(found["hash"]),
        }


def pbkdf2_encoded(*, digest: str, iterations: int, salt: bytes, key: bytes) -> str:
    """Return what RawPBKDF2Hasher stores."""
    return f"{RawPBKDF2Hasher.algorithm}${digest}${iterations}${b64(salt)}${b64(key)}"


class WrappedHasher(BasePasswordHasher):
    """bcrypt over a hash that is too weak to be stored: ``wrapped$<how to make the weak one>$$2b$12$…``.

    The weak hash itself is nowhere; whoever steals the table has bcrypt to break for each guess.
    """

    algorithm = "wrapped"
    bridges_to_current = True

    def verify(self, password: str, encoded: str) -> bool:
        _, inner, outer = encoded.split("$", 2)
        again = bcrypt.hashpw(_condensed(recompute(inner, password)), outer.encode("ascii"))
        return constant_time_compare(outer, again.decode("ascii"))

    def must_update(self, encoded: str) -> bool:
        return True

    def harden_runtime(self, password: str, encoded: str) -> None:
        """Take the time that is missing to the current cost."""
        outer = encoded.split("$", 2)[2]
        for _ in range(2 ** max(0, account_settings.BCRYPT_ROUNDS - int(outer.split("$")[2])) - 1):
            bcrypt.hashpw(password.encode()[:BCRYPT_LENGTH], outer[:29].encode("ascii"))

    def safe_summary(self, encoded: str) -> dict[Any, Any]:
        _, inner, outer = encoded.split("$", 2)
        return {
            gettext_noop("algorithm"): f"{self.algorithm} {inner.split(':')[0]}",
            gettext_noop("hash"): mask_hash(outer[29:]),
        }


def wrap(*, inner: str, weak: bytes, rounds: int) -> str:
    """Return what WrappedHasher stores of a weak hash. It takes as long as a hash of a password."""
    outer = bcrypt.hashpw(_condensed(weak), bcrypt.gensalt(rounds)).decode("ascii")
    return f"{WrappedHasher.algorithm}${inner}${outer}"


def recompute(inner: str, password: str) -> bytes:
    """Return the weak hash of a password, made as ``inner`` says."""
    kind, *parameters = inner.split(":")
    return _INNER[kind](kind, password.encode(), *parameters)


def b64(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")


def _condensed(weak: bytes) -> bytes:
    # Of one length and without NUL, whatever the weak hash is: bcrypt takes 72 bytes.
    return base64.b64encode(hashlib.sha256(weak).digest())


def _plain(kind: str, password: bytes, prefix: str, suffix: str) -> bytes:
    return hashlib.new(kind, base64.b64decode(prefix) + password + base64.b64decode(suffix)).digest()


def _pbkdf2(_kind: str, password: bytes, digest: str, iterations: str, salt: str, length: str) -> bytes:
    return hashlib.pbkdf2_hmac(digest, password, base64.b64decode(salt), int(iterations), int(length))


def _bcrypt(kind: str, password: bytes, salt: str) -> bytes:
    text = hashlib.sha256(password).hexdigest().encode() if kind == "bcrypt_sha256" else password[:BCRYPT_LENGTH]
    return bcrypt.hashpw(text, base64.b64decode(salt))


def _argon2(  # noqa: PLR0917 - called with what stands in the row
    _kind: str, password: bytes, variety: str, version: str, memory: str, time: str, lanes: str, salt: str, length: str
) -> bytes:
    return argon2.low_level.hash_secret_raw(
        password,
        base64.b64decode(salt),
        time_cost=int(time),
        memory_cost=int(memory),
        parallelism=int(lanes),
        hash_len=int(length),
        type=argon2.low_level.Type[variety.removeprefix("argon2").upper()],
        version=int(version),
    )


def _scrypt(_kind: str, password: bytes, n: str, r: str, p: str, salt: str, length: str) -> bytes:  # noqa: PLR0917
    return hashlib.scrypt(password, salt=base64.b64decode(salt), n=int(n), r=int(r), p=int(p), dklen=int(length))


_INNER: dict[str, Callable[..., bytes]] = {
    **dict.fromkeys(DIGESTS, _plain),
    "pbkdf2": _pbkdf2,
    "bcrypt": _bcrypt,
    "bcrypt_sha256": _bcrypt,
    "argon2": _argon2,
    "scrypt": _scrypt,
}
