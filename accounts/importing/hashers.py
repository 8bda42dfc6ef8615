"""Verify password hashes that were imported from other systems. New passwords are never hashed with these.

A successful sign-in replaces such a hash by one of the current kind.
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

BCRYPT_LENGTH = 72  # bytes; systems with raw bcrypt hashes ignore the rest of a password
DIGESTS = ("md5", "sha1", "sha256", "sha512")


class RawBCryptHasher(BCryptPasswordHasher):
    """bcrypt of the password itself, as most other systems use it: ``bcrypt$$2b$10$…``."""

    bridges_to_current = True

    @classproperty
    def rounds(cls) -> int:  # noqa: N805 - a property of the class
        return account_settings.BCRYPT_ROUNDS

    def encode(self, password: str, salt: Any) -> str:
        return f"{self.algorithm}${bcrypt.hashpw(password.encode()[:BCRYPT_LENGTH], salt).decode('ascii')}"


class RawPBKDF2Hasher(BasePasswordHasher):
    """PBKDF2 with any salt and key length, which Django's hasher lacks: ``pbkdf2_raw$sha512$27500$salt$key``."""

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
        """Do nothing. After a wrong password the caller computes a whole hash of the current kind."""

    def safe_summary(self, encoded: str) -> dict[Any, Any]:
        found = self.decode(encoded)
        return {
            gettext_noop("algorithm"): f"{self.algorithm} {found['digest']}",
            gettext_noop("iterations"): found["iterations"],
            gettext_noop("hash"): mask_hash(found["hash"]),
        }


def pbkdf2_encoded(*, digest: str, iterations: int, salt: bytes, key: bytes) -> str:
    """Return the encoded hash that ``RawPBKDF2Hasher`` verifies."""
    return f"{RawPBKDF2Hasher.algorithm}${digest}${iterations}${b64(salt)}${b64(key)}"


class WrappedHasher(BasePasswordHasher):
    """bcrypt of a hash that is too weak to be stored: ``wrapped$<parameters of the weak hash>$$2b$12$…``.

    The weak hash is not stored, so each guess at a stolen row costs a bcrypt hash.
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
        """Compute as many rounds as the stored hash lacks to the current cost."""
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
    """Return the encoded hash that ``WrappedHasher`` verifies. This takes as long as hashing a password."""
    outer = bcrypt.hashpw(_condensed(weak), bcrypt.gensalt(rounds)).decode("ascii")
    return f"{WrappedHasher.algorithm}${inner}${outer}"


def recompute(inner: str, password: str) -> bytes:
    """Return the weak hash of a password with the parameters in ``inner``."""
    kind, *parameters = inner.split(":")
    return _INNER[kind](kind, password.encode(), *parameters)


def b64(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")


def _condensed(weak: bytes) -> bytes:
    # Always 44 characters without NUL: bcrypt reads at most 72 bytes and stops at NUL.
    return base64.b64encode(hashlib.sha256(weak).digest())


def _plain(kind: str, password: bytes, prefix: str, suffix: str) -> bytes:
    return hashlib.new(kind, base64.b64decode(prefix) + password + base64.b64decode(suffix)).digest()


def _pbkdf2(_kind: str, password: bytes, digest: str, iterations: str, salt: str, length: str) -> bytes:
    return hashlib.pbkdf2_hmac(digest, password, base64.b64decode(salt), int(iterations), int(length))


def _bcrypt(kind: str, password: bytes, salt: str) -> bytes:
    text = hashlib.sha256(password).hexdigest().encode() if kind == "bcrypt_sha256" else password[:BCRYPT_LENGTH]
    return bcrypt.hashpw(text, base64.b64decode(salt))


def _argon2(  # noqa: PLR0917 - the parameters are those in the stored hash
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
